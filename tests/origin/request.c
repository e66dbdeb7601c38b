/* SPDX-License-Identifier: MIT */
/*
 * What every request has in common: counted, slowed, perhaps failed.
 *
 * Permissions are checked by the kernel (default_permissions) before a request
 * comes here. The backing file system must not check them again with a part of the
 * caller's identity (we do not know all its groups), but new files must belong
 * to the caller. So a thread takes on the file system uid and gid of the caller to
 * create something, and keeps root's capabilities meanwhile: that is what
 * SECBIT_NO_SETUID_FIXUP says. Both are attributes of the thread.
 */
#include "request.h"

#include <linux/securebits.h>
#include <stdbool.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "pace.h"

static const enum pace_kind op_pace[OP_COUNT] = {
#define OP(id, name, pace) pace,
#include "op_tbl.h"
#undef OP
};

static bool serves_others;

void request_init(void)
{
	serves_others = geteuid() == 0;
	/* Without CAP_SETPCAP: the second check happens, and is nearly right. */
	if (serves_others)
		prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
	/* The caller's umask has been applied by the kernel. */
	umask(0);
}

static int subject_begin(fuse_req_t req, const struct subject *subject)
{
	pid_t caller = fuse_req_ctx(req)->pid;
	int err;

	counters_enter(subject->op);
	err = pace_latency(caller, op_pace[subject->op]);
	return err ? err : faults_apply(caller, subject);
}

int request_begin(fuse_req_t req, enum op op, struct node *node, const char *name)
{
	struct subject subject = { .op = op, .node = node, .name = name };

	return subject_begin(req, &subject);
}

int request_begin_at(fuse_req_t req, enum op op, struct node *node, off_t offset, size_t size)
{
	struct subject subject = {
		.op = op, .node = node, .offset = (uint64_t)offset, .size = size
	};

	return subject_begin(req, &subject);
}

int request_hold(fuse_req_t req, enum op op, struct node *node)
{
	struct subject subject = { .op = op, .node = node };

	return faults_hold(fuse_req_ctx(req)->pid, &subject);
}

void request_end(enum op op)
{
	counters_leave(op);
}

void request_reply(fuse_req_t req, enum op op, int err)
{
	request_end(op);
	fuse_reply_err(req, -err);
}

void request_become_caller(fuse_req_t req)
{
	if (!serves_others)
		return;
	setfsgid(fuse_req_ctx(req)->gid);
	setfsuid(fuse_req_ctx(req)->uid);
}

void request_become_self(void)
{
	if (!serves_others)
		return;
	setfsuid(0);
	setfsgid(getegid());
}
