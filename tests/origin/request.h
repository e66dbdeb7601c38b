/* SPDX-License-Identifier: MIT */
/* What every request has in common: counted, slowed, perhaps failed. */
#ifndef ORIGIN_REQUEST_H
#define ORIGIN_REQUEST_H

#include "counters.h"
#include "fuse_api.h"
#include "node.h"

/*
 * Counts the request @op on @node (on its entry @name, unless NULL), and applies
 * latency and faults. 0, or the -errno to answer. To be ended by request_end()
 * in either case, before the reply is sent.
 */
int request_begin(fuse_req_t req, enum op op, struct node *node, const char *name);
/* The same for a read or a write of @size bytes at @offset. */
int request_begin_at(fuse_req_t req, enum op op, struct node *node, off_t offset, size_t size);
/* Holds the answer back where a test asks for that: what it will tell is known. */
int request_hold(fuse_req_t req, enum op op, struct node *node);
void request_end(enum op op);

/* For requests that are only counted, and answered by an error or success. */
void request_reply(fuse_req_t req, enum op op, int err);

/*
 * Makes files that this thread creates belong to the caller, and undoes it. Only
 * root serves others, so for anyone else these do nothing.
 */
void request_become_caller(fuse_req_t req);
void request_become_self(void);

/* To be called once, before there are threads. */
void request_init(void);

#endif
