/* SPDX-License-Identifier: MIT */
/* The log of READ requests, one line each. */
#ifndef ORIGIN_READLOG_H
#define ORIGIN_READLOG_H

#include <stddef.h>
#include <sys/types.h>

#include "node.h"

/* Opens (creates, appends to) the log @path. 0 or -errno. */
int readlog_open(const char *path);
void readlog_close(void);

/* Appends "inode offset size path", as the request came in. */
void readlog_append(struct node *node, off_t off, size_t size);

#endif
