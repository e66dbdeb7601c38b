/* SPDX-License-Identifier: MIT */
/* Walking a tree that is to be frozen, level by level, with several threads. */
#ifndef CLI_FROZEN_SCAN_H
#define CLI_FROZEN_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/frozen.h"

/* The list of a directory; the names lie one behind the other. */
struct frozen_listing {
	char *text;
	uint8_t *type; /* of struct dirent */
	uint64_t *inode;
	size_t length, text_room, count, room;
};

struct frozen_scan {
	struct frozen_node *node;
	uint8_t (*recent)[2]; /* changed a moment ago: touched from the beginning */
	struct frozen_listing *listing;
	uint32_t count;
	char *names;
	size_t names_length;
	size_t root_length;
	const char *root;
	int out;	 /* the record's file, for bytes of files */
	uint64_t out_at; /* offset for the next bytes */
	uint64_t device, mount, settled_ns;
	unsigned int jobs;
	uint32_t next, end; /* nodes of the level that is being walked */
	bool failed;	    /* there is not enough memory, or not enough room on the disk */
	uint64_t settling;  /* number of files that changed a moment ago */
};

/* 0 or -1 with errno. `scan` owes frozen_scan_fini() in any case. */
int frozen_scan(struct frozen_scan *scan);
void frozen_scan_fini(struct frozen_scan *scan);

/* Write all bytes at the offset. False, with errno. */
bool frozen_write(int fd, const void *bytes, size_t n, uint64_t at);

#endif
