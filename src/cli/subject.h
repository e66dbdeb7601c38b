/* SPDX-License-Identifier: MIT */
/*
 * A file looked at as the preload object looks at it when a program opens it, in the same
 * order and with the same reasons.
 */
#ifndef CLI_SUBJECT_H
#define CLI_SUBJECT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/embed.h>
#include <rawcache/file.h>

/* The configuration by which files are examined. */
struct subject_view {
	const char *paths;	/* as RAWCACHE_PATHS, canonical; NULL: none */
	struct rawcache *cache; /* NULL: not attached, for `reason` */
	enum rawcache_reason reason;
	bool disabled;
	const struct rawcache_options *tier; /* NULL: there is none */
};

struct subject {
	char path[PATH_MAX]; /* canonical */
	const char *dir;     /* the entry of view->paths that decided; without a terminating zero */
	size_t dir_length;   /* 0: none did */
	enum rawcache_reason reason; /* RAWCACHE_REASON_none: it is served from the cache */
	bool regular;
	uint64_t size;
	uint64_t changed;		  /* ns since 1970, the later of mtime and ctime */
	struct rawcache_file_state state; /* zeros unless it can be cached */
	struct rawcache_tier_place tier;  /* where the tier has it, */
	const char *tier_why;		  /* or why it does not */
};

/* 0, or -errno when a program cannot open `name` for reading either. */
int subject_examine(struct subject *subject, const char *name, const struct subject_view *view);

#endif
