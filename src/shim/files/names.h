/* SPDX-License-Identifier: MIT */
/*
 * Absent names. When the origin says that a name is absent, this is remembered with its directory, and
 * believed while a look at the directory shows that it is unchanged. The kernel finds the directory, for
 * the calling thread and with its rights: links, mounts, root directories and search permissions on the way
 * are its business. Only ENOENT for the last component of a path is ever answered, and only if the kernel
 * would have found no other error first. Before a name is remembered it is looked up without following
 * links: a link that leads nowhere is a name that exists.
 */
#ifndef SHIM_NAMES_H
#define SHIM_NAMES_H

#include <errno.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <rawcache/embed.h>

#include "base/compiler.h"

#include "shim/table/attach.h"
#include "shim/table/news.h"
#include "shim/table/who.h"

extern bool names_on;

/* What the call does, besides finding the directory, before it looks for the name. */
enum names_use {
	NAMES_LOOK, /* nothing */
	NAMES_OPEN, /* take a descriptor; it is a cancellation point */
	NAMES_REAL, /* use the real user: access() */
};

/* Read the configuration; once. */
void names_init(void);

bool names_absent_slow(int dir, const char *path, enum names_use use);
void names_missed_slow(const char *path);

/*
 * Returns true, with errno ENOENT, if `path`, relative to `dir`, does not exist. Returns false, and keeps
 * errno, if the kernel must be asked.
 */
static inline bool names_absent(int dir, const char *path, enum names_use use)
{
	if (likely(!load_relaxed(&names_on)) || !attach_cache_now() ||
	    !names_absent_slow(dir, path, use))
		return false;
	news_name();
	return true;
}

/*
 * The kernel has answered `ret` for `path`; returns it. A program that asks for absent names attaches. That a name is
 * there, or is gone, may be how another process tells that it is done.
 */
static inline int names_missed(const char *path, int ret)
{
	news_name();
	if (unlikely(ret < 0) && unlikely(load_relaxed(&names_on)) && errno == ENOENT &&
	    !attach_cache_now())
		names_missed_slow(path);
	return ret;
}

/* --- extended attributes: a file's ctime changes with them as a directory's times do with its names */

/* What was asked for, kept until the kernel has answered. */
struct names_attribute {
	struct who who;
	struct rawcache_names names;
	char name[XATTR_NAME_MAX + 1];
	size_t length;
	bool asked;
};

bool names_attribute_slow(struct names_attribute *attribute, const char *path, int flags,
			  const char *name);
void names_attribute_learn(const struct names_attribute *attribute, const char *path, int flags);

/* Returns true, with errno ENODATA, if the file has no such attribute. `flags`: of statx(). */
static inline bool names_attribute_absent(struct names_attribute *attribute, const char *path,
					  int flags, const char *name)
{
	attribute->asked = false;
	return unlikely(load_relaxed(&names_on)) && attach_cache_now() &&
	       names_attribute_slow(attribute, path, flags, name);
}

/* The kernel has answered `ret`; returns it. */
static inline ssize_t names_attribute_told(const struct names_attribute *attribute,
					   const char *path, int flags, ssize_t ret)
{
	if (unlikely(attribute->asked) && ret < 0 && errno == ENODATA)
		names_attribute_learn(attribute, path, flags);
	return ret;
}

#endif
