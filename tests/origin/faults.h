/* SPDX-License-Identifier: MIT */
/* Faults that tests ask for: errors, short reads, stalls. */
#ifndef ORIGIN_FAULTS_H
#define ORIGIN_FAULTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "counters.h"

struct node;

enum fault_kind { FAULT_NONE, FAULT_FAIL, FAULT_SHORT, FAULT_STALL, FAULT_HOLD };

struct fault {
	enum fault_kind kind;
	enum op op;
	int err;	   /* FAIL: the errno, positive */
	size_t max;	   /* SHORT: bytes */
	uint64_t count;	   /* requests it still applies to; 0: until cleared */
	uint64_t from, to; /* reads and writes that touch these bytes; to 0: all */
	char prefix[4096]; /* "/dir/file" below the mount; "": everywhere */
};

/* Adds a copy of @fault. -ENOSPC when there are too many. */
int faults_add(const struct fault *fault);

/* Drops all faults and lets stalled requests go on. */
void faults_clear(void);

/* What a request is about: @node, or its entry @name unless NULL; of a read or write, the bytes. */
struct subject {
	enum op op;
	struct node *node;
	const char *name;
	uint64_t offset, size;
};

/* Stalls or fails a request: 0 to go on, or the -errno to answer. */
int faults_apply(pid_t caller, const struct subject *subject);

/* Holds the answer to a request back, which is known by now. 0, or -EINTR if the caller is gone. */
int faults_hold(pid_t caller, const struct subject *subject);

/* The number of bytes that a read of @size bytes may return. */
size_t faults_limit(struct node *node, size_t size);

/* Writes the faults in force, in the form of the commands that made them. */
size_t faults_format(char *buf, size_t size);

#endif
