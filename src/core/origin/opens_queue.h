/* SPDX-License-Identifier: MIT */
/*
 * Files that helpers open before the program asks for them: the next ones of one directory, in one order, or those
 * of the program's last run.
 *
 *	QUEUED -> RUNNING -> OPEN -> SENT -> READY        and from each of them to VOID
 *
 * OPEN: in the helpers' table, until those before it are sent. SENT: in the socket of handover.h, while the helper
 * closes its own descriptor. READY: the program may have it.
 *
 * All functions must be called under opens_lock, unless they say otherwise.
 */
#ifndef CORE_OPENS_QUEUE_H
#define CORE_OPENS_QUEUE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <rawcache/embed.h>

#include "base/critical.h"
#include "base/sys.h"
#include "core/origin/dirlist.h"
#include "core/origin/pool.h"

/* Twice the number of opens under way: the program takes some while others come. */
#define OPENS_SLOTS 32u /* and a bit of 32 each */
#define OPENS_HELPERS 16u
#define OPENS_RECENT \
	4u /* names that the program opened last in a directory, for finding its order */

enum opens_state { OPENS_NOTHING, OPENS_LISTING, OPENS_RUNNING };
enum opens_slot_state { SLOT_VOID, SLOT_QUEUED, SLOT_RUNNING, SLOT_OPEN, SLOT_SENT, SLOT_READY };

struct opens_slot {
	struct pool_job job;
	uint32_t number;
	uint32_t state; /* futex */
	int fd, flags;
	uint32_t heard; /* by the program before it was opened */
	uint64_t begun_ns;
	struct statx stx; /* of the open file */
	size_t name;	  /* where it begins in the path */
	char path[PATH_MAX];
};

/*
 * What the program does in the directory in which it opened its last file. A helper may read it while a thread of
 * the program writes it: then the helper finds no order, or a wrong one, which the next files show.
 */
struct opens_seen {
	uint32_t directory; /* a hash of its path */
	uint64_t begun_ns, last_ns;
	uint32_t count; /* opens in a row there */
	char names[OPENS_RECENT]
		  [NAME_MAX + 1]; /* the last one is names[(count - 1) % OPENS_RECENT] */
};

struct opens {
	struct opens_seen seen;
	/* the directory whose files are opened ahead */
	uint32_t state; /* enum opens_state */
	uint32_t directory;
	uint32_t refused; /* a directory that was listed in vain */
	struct rawcache_opener
		opener; /* its rights when the directory was begun, and what it had heard at its last open */
	int flags;     /* with which the program opens files */
	size_t length; /* of the path, with the slash that ends it */
	char path[PATH_MAX];
	struct dirlist listing;
	enum dirlist_order order;
	struct dirlist
		last_run; /* what the program opened in its last run: paths, with their directories */
	bool follows_last;    /* these paths are opened ahead, and not a directory's files */
	bool differs;	      /* the program goes another way than in its last run */
	uint32_t last_misses; /* files that were not among the next ones of the last run */
	uint32_t
		last_expected; /* place in the last run of the next file, while that is not opened ahead */
	bool trusted;	       /* the program has opened a whole directory in this order */
	uint32_t next;	       /* place in the order of the next file to be opened ahead */
	uint32_t expected; /* place of the next file that the program opens, if it goes on */
	uint32_t misses;   /* names in a row that were not expected */
	uint32_t hits;
	/* numbers of slots, which count up: the oldest in use, the next to be sent, the next to be queued */
	uint32_t head, sent, tail;
	uint32_t followed; /* opens that were looked at */
	uint32_t limit;	   /* of the slots in use */
};

extern struct opens opens;
extern struct opens_slot opens_slots[OPENS_SLOTS];

void opens_lock(struct critical *critical);
bool opens_trylock(struct critical *critical);
void opens_unlock(const struct critical *critical);

static inline struct opens_slot *opens_slot(uint32_t number)
{
	return &opens_slots[number % OPENS_SLOTS];
}

/*
 * Begin to list the directory, whose path of `length` bytes ends with a slash. False: no helper can. Called
 * by a thread of the program.
 */
bool opens_begin(const char *path, size_t length);

/*
 * Find the order in which the program has opened its last files of the directory; the order of the directory before
 * is tried first. Sets `order` and `expected`. Returns false if there is none.
 */
bool opens_order_find(struct opens *all, const struct dirlist *listing);

/*
 * Open the slot's file as the program does, and read its attributes. Returns a descriptor of the helpers' table, or
 * -errno.
 */
int opens_file(struct opens_slot *slot);

static inline const struct dirlist *opens_names(void)
{
	return opens.follows_last ? &opens.last_run : &opens.listing;
}

/*
 * How many files may wait for this process. The kernel counts files that lie in sockets, for all programs of a user
 * together. If they are more than a program's RLIMIT_NOFILE, that program can send none (ETOOMANYREFS).
 */
uint32_t opens_limit(const struct rawcache *cache);

/* Queue the next files, if the budget allows. `make`: the caller is a thread of the program. */
void opens_issue(bool make);

/* Every open of the program below a configured path counts; any thread, without the lock. */
void opens_count(void);

/* The file of the oldest slot left the socket; `used`: it is the program's. */
void opens_use(bool used);

/* The oldest slot is not used. */
void opens_skip(bool helper);

/* Drop all files, and end with the directory. */
void opens_end(bool helper);

/* Whether a helper still has a file, or a directory. Without the lock. */
bool opens_closing(void);

/* Nothing is opened ahead any more. */
extern bool opens_stopped;

void opens_fork_prepare(void);
void opens_fork_parent(void);
void opens_fork_child(void);

#endif
