/* SPDX-License-Identifier: MIT */
/*
 * Functions that change what a program may do. Those that libc carries out in every thread (setuid() and
 * its like) reach our helper threads as well. Those of one thread do not, and neither does syscall(2):
 * hooks_syscall.c.
 */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "base/sys.h"

#include "shim/files/tree.h"
#include "shim/table/process.h"
#include "shim/table/rights.h"
#include "shim/table/who.h"

/* Root becomes another user, who may not be allowed to open the image. Owes changed(). */
static void drop_if(bool drops)
{
	int saved = errno;

	process_stand_ins_end(true);
	who_forget();
	if (drops && !sys_geteuid())
		rights_drop();
	errno = saved;
}

static int changed(int ret)
{
	who_forget();
	return ret;
}

int setuid(uid_t user)
{
	drop_if(user);
	return changed(NEXT(setuid)(user));
}

int seteuid(uid_t user)
{
	drop_if(user);
	return changed(NEXT(seteuid)(user));
}

int setreuid(uid_t real, uid_t effective)
{
	drop_if(effective);
	return changed(NEXT(setreuid)(real, effective));
}

int setresuid(uid_t real, uid_t effective, uid_t saved)
{
	drop_if(effective);
	return changed(NEXT(setresuid)(real, effective, saved));
}

int setgid(gid_t group)
{
	drop_if(group);
	return changed(NEXT(setgid)(group));
}

int setegid(gid_t group)
{
	drop_if(group);
	return changed(NEXT(setegid)(group));
}

int setregid(gid_t real, gid_t effective)
{
	drop_if(effective);
	return changed(NEXT(setregid)(real, effective));
}

int setresgid(gid_t real, gid_t effective, gid_t saved)
{
	drop_if(effective);
	return changed(NEXT(setresgid)(real, effective, saved));
}

int setgroups(size_t n, const gid_t *groups)
{
	drop_if(true);
	return changed(NEXT(setgroups)(n, groups));
}

int initgroups(const char *user, gid_t group)
{
	drop_if(group);
	return changed(NEXT(initgroups)(user, group));
}

/* Its path means another file afterwards, or none. */
int chroot(const char *path)
{
	tree_stop();
	drop_if(true);
	return changed(NEXT(chroot)(path));
}

/* --- for the calling thread only */

int capset(void *header, const void *data)
{
	struct rights_change change;
	int ret;

	drop_if(true);
	rights_begin(&change);
	ret = NEXT(capset)(header, data);
	rights_end(&change);
	return ret;
}

int setfsuid(uid_t user)
{
	struct rights_change change;
	int ret;

	rights_begin(&change);
	ret = NEXT(setfsuid)(user);
	rights_end(&change);
	return ret;
}

int setfsgid(gid_t group)
{
	struct rights_change change;
	int ret;

	rights_begin(&change);
	ret = NEXT(setfsgid)(group);
	rights_end(&change);
	return ret;
}
