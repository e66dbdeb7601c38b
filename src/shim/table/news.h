/* SPDX-License-Identifier: MIT */
/*
 * Changes of files of which a program learns other than by reads. It has mapped the file, and sees at once in its
 * pages what others write; or the kernel tells it of changes (inotify, fanotify, leases). Its next read must not
 * return older bytes, so each read of such a file looks at the attributes (look.h), also where no look is due yet.
 *
 * Others tell it of changes, too: a byte comes through a pipe or a socket, a child ends, a signal is taken, a lock is
 * granted, a name is there or is gone. The sender may have changed any file, without the shim. Such events are
 * counted, and a handle that has not looked since the last one looks at its next read.
 *
 * Files are hashed by device and inode: files that share a place are looked at more often than needed. A mark stays
 * for the life of the process.
 */
#ifndef SHIM_NEWS_H
#define SHIM_NEWS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/compiler.h"

#include "shim/table/attach.h"

struct statx;

/* This process has the file open for writing, or had. */
void news_writes(const struct statx *stx);
bool news_written(const struct statx *stx);

extern uint32_t news_known; /* 0: of no file */

/* The program maps this file. */
void news_mapped(const struct statx *stx);

/* The kernel tells the program of changes of any file. */
void news_any(void);

bool news_of_slow(const struct statx *stx);
static inline bool news_of(const struct statx *stx)
{
	return unlikely(load_relaxed(&news_known)) && news_of_slow(stx);
}

/*
 * How often the process has heard of others. `all`: in the low half that another process ended or sent something, in
 * the high half what a name told: one word, so that nobody sees one without the other. `ended`: that one ended.
 */
struct news_heard {
	uint64_t all;
	uint32_t ended;
};
extern struct news_heard news_heard;

static inline struct news_heard news_heard_now(void)
{
	return (struct news_heard){ load_acquire(&news_heard.all),
				    load_acquire(&news_heard.ended) };
}

/* How often others ended or sent something. */
static inline uint32_t news_told(const struct news_heard *heard)
{
	return (uint32_t)load_relaxed(&heard->all);
}

/* Call when a call has returned that may have told of a change. Async-signal-safe. */
static inline void news_hear(void)
{
	if (unlikely(attach_active))
		fetch_add(&news_heard.all, 1);
}

/*
 * Call when the kernel has said that a name is there, or is gone: it may stand for a lock. Programs ask for many
 * names, so this is a reason to look only where looks are cheap, and none to drop what was opened ahead.
 */
static inline void news_name(void)
{
	if (unlikely(attach_active))
		fetch_add(&news_heard.all, UINT64_C(1) << 32);
}

/* The same for a call that returns -1 where it has nothing to tell. */
static inline ssize_t news_from(ssize_t result)
{
	if (result >= 0)
		news_hear();
	return result;
}

/* Call when a child has ended: all its changes are made. */
static inline void news_end(void)
{
	if (unlikely(attach_active))
		fetch_add(&news_heard.ended, 1);
	news_hear();
}

#endif
