/* SPDX-License-Identifier: MIT */
/*
 * The table of files (file.h), for the files of this room: objects by number, by key, and by inode.
 * Functions must be called under its lock, unless they say otherwise.
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

#define INODES 4096u /* as many as files may be idle, so that lists are short */
#define RECENT 8192u /* twice the number of idle files, so that few share a place */

/* A file's entry in the table of identities. */
struct file_link {
	struct key key;
	struct file *file;
	struct file_link *same; /* the next one in the list of files.inodes */
	UT_hash_handle hh;
};

struct files {
	pthread_mutex_t lock;
	struct file *page[FILE_PAGES];
	uint32_t count; /* objects that were ever made */
	struct file_link *by_key;
	struct file_link *inodes[INODES]; /* objects by device and inode: the versions of a file */
	uint8_t versions[INODES];	  /* for each list above: it has two objects of one inode */
	uint64_t recent[RECENT];	  /* handles of files that were opened recently, by key */
	struct idle idle;
	/* called when only reads ahead have the file: see files_init() */
	void (*idle_now)(struct file *file);
	uint32_t *free; /* stack of numbers of unused objects */
	uint32_t free_count, free_room;
};

/* The reasons to look at a file again, as they were before its attributes were read. */
struct reasons {
	const uint32_t *writer;
	struct doubt *doubt;
	uint32_t writer_seen, doubt_seen, changes_seen;
	uint64_t asked_ns; /* when the attributes were asked for */
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
 * Get the object of `key`, with a reference; it is made if there is none. Takes the lock. 0; -ENOMEM; or
 * -ESTALE: the attributes may be older than what this process has seen of the file.
 */
int file_get(struct rawcache *cache, const struct key *key, const struct identity *identity,
	     const struct statx *stx, struct reasons *reasons, uint64_t *handle);

/*
 * The same without a lock, for a file that was opened before and is the only version of its inode, as in
 * most opens. Returns false otherwise.
 */
bool file_reopen(struct rawcache *cache, const struct key *key, const struct statx *stx,
		 const struct reasons *reasons, uint64_t *handle);

/* --- file_version.c */

/* Whether these are attributes of the version that the object describes. */
bool file_is_version(const struct file *file, const struct statx *stx);

/* Whether the inode has, or had until now, several versions. Without the lock: a hint; see file_get(). */
bool inode_has_versions(const struct files *files, const struct statx *stx);

/* Remove the object from, or add it to, the list of its inode. */
void inode_leave(struct files *files, struct file_link *link);
void inode_enter(struct files *files, struct file_link *link, const struct statx *stx);

/* Move the object to this inode: it may have been another's, if the file has no lasting inode. */
void inode_move(struct files *files, struct file_link *link, const struct statx *stx);

/*
 * Which versions of the file this process has open. *vouched: when another version was last known to be the
 * file's current one, whether it is still open or not; 0: never.
 */
enum { VERSION_SAME = 1, VERSION_OTHER = 2 };
unsigned int versions_open(struct files *files, const struct statx *stx, uint64_t *vouched);

/* Without the lock: mappings of a version other than that of `stx` do not show the file any more. */
void mapped_learn(struct rawcache *cache, const struct statx *stx);

#endif
