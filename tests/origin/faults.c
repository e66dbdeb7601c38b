/* SPDX-License-Identifier: MIT */
/*
 * Faults that tests ask for: errors, short reads, stalls.
 *
 * A small table under one lock. The first fault of the wanted kind that fits is
 * taken; one with a count is used up by that many requests and then goes. Without
 * any fault a request pays one atomic load.
 *
 * Lock order: the table's lock, then that of wait.c. The ticket of a stall is
 * drawn under the table's lock, so that a clear cannot slip in between.
 */
#define _GNU_SOURCE 1
#include "faults.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "node.h"
#include "wait.h"

#define FAULTS_MAX 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault table[FAULTS_MAX];
static _Atomic unsigned int in_force;

int faults_add(const struct fault *fault)
{
	int err = -ENOSPC;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FAULTS_MAX && err; i++) {
		if (table[i].kind != FAULT_NONE)
			continue;
		table[i] = *fault;
		atomic_fetch_add(&in_force, 1);
		err = 0;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

void faults_clear(void)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FAULTS_MAX; i++)
		table[i].kind = FAULT_NONE;
	atomic_store(&in_force, 0);
	wait_release();
	pthread_mutex_unlock(&lock);
}

/* Is @path the file @prefix, or below the directory @prefix? */
static bool path_below(const char *path, const char *prefix)
{
	size_t len = strlen(prefix);

	while (len && prefix[len - 1] == '/')
		len--;
	return !strncmp(path, prefix, len) && (path[len] == '/' || path[len] == '\0');
}

static bool fault_fits(const struct fault *f, enum fault_kind kind, const struct subject *s,
		       const char *path)
{
	return f->kind == kind && f->op == s->op && path_below(path, f->prefix) &&
	       (!f->to || (s->offset < f->to && s->offset + s->size > f->from));
}

/* Finds a fault that fits and uses it up by one; false if none. Lock held. */
static bool fault_take(enum fault_kind kind, const struct subject *s, const char *path,
		       struct fault *taken)
{
	for (size_t i = 0; i < FAULTS_MAX; i++) {
		struct fault *f = &table[i];

		if (!fault_fits(f, kind, s, path))
			continue;
		*taken = *f;
		if (f->count && !--f->count) {
			f->kind = FAULT_NONE;
			atomic_fetch_sub(&in_force, 1);
		}
		return true;
	}
	return false;
}

static int fault_stall(enum fault_kind kind, pid_t caller, const struct subject *s,
		       const char *path)
{
	struct fault fault;
	uint64_t ticket;
	bool stall;
	int err;

	pthread_mutex_lock(&lock);
	stall = fault_take(kind, s, path, &fault);
	ticket = wait_ticket();
	pthread_mutex_unlock(&lock);
	if (!stall)
		return 0;
	counters_stalled(1);
	err = wait_released(caller, ticket);
	counters_stalled(-1);
	return err;
}

int faults_apply(pid_t caller, const struct subject *s)
{
	char path[PATH_MAX];
	struct fault fault;
	bool fail;
	int err;

	if (!atomic_load(&in_force))
		return 0;
	node_path(s->node, s->name, path, sizeof(path));
	err = fault_stall(FAULT_STALL, caller, s, path);
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	fail = fault_take(FAULT_FAIL, s, path, &fault);
	pthread_mutex_unlock(&lock);
	if (!fail)
		return 0;
	counters_add_failed();
	return -fault.err;
}

int faults_hold(pid_t caller, const struct subject *s)
{
	char path[PATH_MAX];

	if (!atomic_load(&in_force))
		return 0;
	node_path(s->node, s->name, path, sizeof(path));
	return fault_stall(FAULT_HOLD, caller, s, path);
}

size_t faults_limit(struct node *node, size_t size)
{
	struct subject subject = { .op = OP_READ, .node = node };
	char path[PATH_MAX];
	struct fault fault;
	bool cut;

	if (!atomic_load(&in_force))
		return size;
	node_path(node, NULL, path, sizeof(path));
	pthread_mutex_lock(&lock);
	cut = fault_take(FAULT_SHORT, &subject, path, &fault);
	pthread_mutex_unlock(&lock);
	return cut && fault.max < size ? fault.max : size;
}

static size_t fault_format(const struct fault *f, char *buf, size_t size)
{
	const char *op = op_name(f->op);
	char count[80];
	int len = snprintf(count, sizeof(count), "%llu", (unsigned long long)f->count);

	if (f->to)
		snprintf(count + len, sizeof(count) - (size_t)len, "@%llu-%llu",
			 (unsigned long long)f->from, (unsigned long long)f->to);
	len = 0;

	if (f->kind == FAULT_FAIL)
		len = snprintf(buf, size, "fail %s %s %s %s\n", op, strerrorname_np(f->err), count,
			       f->prefix);
	else if (f->kind == FAULT_SHORT)
		len = snprintf(buf, size, "short %s %zu %llu %s\n", op, f->max,
			       (unsigned long long)f->count, f->prefix);
	else if (f->kind == FAULT_STALL || f->kind == FAULT_HOLD)
		len = snprintf(buf, size, "%s %s %s\n", f->kind == FAULT_HOLD ? "hold" : "stall",
			       op, f->prefix);
	return (size_t)len < size ? (size_t)len : 0;
}

size_t faults_format(char *buf, size_t size)
{
	size_t len = 0;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < FAULTS_MAX; i++)
		len += fault_format(&table[i], buf + len, size - len);
	pthread_mutex_unlock(&lock);
	return len;
}
