/* SPDX-License-Identifier: MIT */
/*
 * The table of files (file.h), for the files of this room: objects by number, by key, and by inode. All under
 * its lock, unless it says otherwise.
 */
#ifndef CORE_FILE_TABLE_H
#define CORE_FILE_TABLE_H

#include <pthread.h>

#include "base/critical.h"
#include "base/memory.h"
#include "core/origin/file.h"
#include "core/origin/idle.h"
#include "core/origin/origin.h"

/* Tables of uthash live in our memory: the shim must not call malloc. */
#define uthash_malloc(n) memory_get(n)
#define uthash_free(p, n) memory_put(p, n)
#define uthash_fatal(message) __builtin_trap()
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define INODES 4096u
#define RECENT 8192u

/* A file's entry in the table of identities. */
struct file_link {
	struct key key;
	struct file *file;
	struct file_link *same; /* the next one in files.inodes */
	UT_hash_handle hh;
};

struct files {
	pthread_mutex_t lock;
	struct file *page[FILE_PAGES];
	uint32_t count; /* objects ever made */
	struct file_link *by_key;
	struct file_link *inodes[INODES]; /* objects by device and inode: the versions of a file */
	uint8_t versions[INODES];	  /* of a list above: two objects are of one inode */
	uint64_t recent[RECENT];	  /* handles of what was opened, by key */
	struct idle idle;
	void (*idle_now)(struct file *file); /* only reads ahead have it now: see files_init() */
	uint32_t *free;			     /* stack of numbers of unused objects */
	uint32_t free_count, free_room;
};

/* Reasons to look at a file again, as they were before its attributes were read. */
struct reasons {
	const uint32_t *writer;
	struct doubt *doubt;
	uint32_t writer_seen, doubt_seen;
	uint64_t asked_ns; /* and when the attributes were asked for */
};

/* --- file.c. The lock comes with a critical section. */

static inline void files_lock(struct files *files, struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&files->lock);
}

static inline void files_unlock(struct files *files, struct critical *critical)
{
	pthread_mutex_unlock(&files->lock);
	critical_leave(critical);
}

/*
 * Takes the lock: the object of `key`, with a reference, made if there is none. 0, -ENOMEM, or -ESTALE: the
 * attributes may be older than what this process has seen of the file.
 */
int file_get(struct rawcache *cache, const struct key *key, const struct identity *identity,
	     const struct statx *stx, struct reasons *reasons, uint64_t *handle);

/*
 * The same without a lock, for what was opened before and is the only version of its inode: most opens are
 * of this kind. False: not so.
 */
bool file_reopen(struct rawcache *cache, const struct key *key, const struct statx *stx,
		 const struct reasons *reasons, uint64_t *handle);

/* --- file_version.c */

/* Whether these are attributes of the version that the object describes. */
bool file_is_version(const struct file *file, const struct statx *stx);

/* Without the lock: whether there are, or were until now, several versions of the inode. A hint; see file_get(). */
bool inode_has_versions(const struct files *files, const struct statx *stx);

/* The object is no longer, or from now on, one of its inode's. */
void inode_leave(struct files *files, struct file_link *link);
void inode_enter(struct files *files, struct file_link *link, const struct statx *stx);

/* The object is the inode's now: it may have been another's, where a file has no lasting one. */
void inode_move(struct files *files, struct file_link *link, const struct statx *stx);

/*
 * What versions of the file somebody has open. *vouched: when another one was known to be the file's last,
 * whether it is open still or not; 0: never.
 */
enum { VERSION_SAME = 1, VERSION_OTHER = 2 };
unsigned int versions_open(struct files *files, const struct statx *stx, uint64_t *vouched);

/* Without the lock: what is mapped of another version than `stx` tells of is not the file's any more. */
void mapped_learn(struct rawcache *cache, const struct statx *stx);

#endif
