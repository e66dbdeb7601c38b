/* SPDX-License-Identifier: MIT */
/*
 * Handles: what we know about an open file description.
 *
 * A handle is made when a descriptor is tracked, shared by its duplicates (refs counts the
 * entries of the descriptor table that point to it), and freed with the last of them. Its
 * memory is never unmapped and rests in a queue before it is used again: a thread that holds a
 * pointer while another closes the descriptor reads old numbers, and everything it could damage
 * with them is checked: the position moves by compare and swap, the file only changes under a
 * reference and the generation that was seen first.
 *
 * A reader is served from the cache through the number `file`; while that is RAWCACHE_NO_FILE, reads go to the
 * kernel, and the cache is tried again at `retry_ms`. A description that is open for reading and writing is a
 * reader until something is about to be changed through it, or until another process gets it, whose writes
 * nobody announces: from then on it is a writer. A writer is never served; its handle exists so that writes
 * through it are announced.
 *
 * No locks: opening and closing would pay for holding signals back.
 */
#ifndef SHIM_HANDLE_H
#define SHIM_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include <rawcache/file.h>

#include "base/sys.h"

#include "shim/table/fdtab.h"
#include "shim/table/news.h"
#include "shim/table/position.h"

/* No time, and no offset, of a life of the machine. */
#define HANDLE_NEVER UINT64_MAX
#define HANDLE_NO_GUESS UINT64_MAX

enum handle_mode {
	HANDLE_READS,	  /* open for reading only */
	HANDLE_MAY_WRITE, /* nothing was written through it yet */
	HANDLE_WRITES,
};

struct handle {
	struct position position;
	uint64_t file;		 /* the cache's number of the file; RAWCACHE_NO_FILE: bypassed */
	uint64_t size;		 /* size of the file when its attributes were last read */
	uint64_t checked_ms;	 /* when they were read: clock_coarse_ms() */
	uint64_t look_ms;	 /* when they must be read again; HANDLE_NEVER, */
	uint64_t look_bytes;	 /* or for a read of so many bytes: see look.h, news.h */
	struct news_heard heard; /* before they were read */
	uint64_t retry_ms;   /* when a bypassed handle is tried again; HANDLE_NEVER for writers */
	uint64_t generation; /* counts the lives of this memory */
	uint64_t guess;	     /* where the kernel's position was last seen, for claim_guessed() */
	uint32_t refs;
	uint32_t reason; /* of a bypassed handle: enum rawcache_reason */
	uint32_t look_wait_ms;
	uint32_t mode;	    /* enum handle_mode */
	uint32_t directory; /* hash of the path of its directory */
	uint8_t updating;   /* a thread is in handle_set_file() */
	/*
	 * if `frozen`: the number of its tree (files/tree.h). The bytes lie in a memory file then, and stx is the
	 * frozen file's
	 */
	uint8_t tree;
	uint32_t frozen; /* number of the frozen tree's node, plus 1; 0: it is no frozen file */
	struct statx stx;
};

/* Make a handle with one reference; or NULL. */
struct handle *handle_make(enum handle_mode mode, uint64_t position);

static inline bool handle_is_writer(const struct handle *handle)
{
	return load_acquire(&handle->mode) == HANDLE_WRITES;
}

/*
 * A change is about to be made through `handle`, or may be made from now on where we do not see it; `fd` is
 * one of its descriptors. If the handle may write, it is a writer when this returns, its position is the
 * kernel's, and the change is announced. Returns whether it is so. Async-signal-safe.
 */
bool handle_write_slow(struct handle *handle, int fd);
static inline bool handle_write(struct handle *handle, int fd)
{
	return unlikely(load_acquire(&handle->mode) == HANDLE_MAY_WRITE) &&
	       handle_write_slow(handle, fd);
}

/* Let a handle, which no other thread can see yet, stand for a file of a frozen tree. */
void handle_freeze(struct handle *handle, uint8_t tree, uint32_t number, const struct statx *stx);

/* The number of such handles. */
extern uint32_t handle_frozen;

/* The number of writers, and of handles that may become writers; read without a lock. */
uint32_t handle_writers(void);
uint32_t handle_may_write(void);

/* Take a reference to a handle that may be ending. False: it is dead. */
bool handle_hold(struct handle *handle);
void handle_release(struct handle *handle);

/*
 * Serve `handle` as `file` from now on, whose attributes are `stx`, if it is still in its life
 * `generation`. The reference to its earlier file is released; or that to `file`, if the handle has ended
 * or another thread sets it. RAWCACHE_NO_FILE: bypass it for `reason`, and look again when the file may
 * have settled. `stx_ms`: clock_coarse_ms() before the attributes were read. Their age counts from then: a
 * thread may be stopped before it has stored them.
 */
void handle_set_file(struct handle *handle, uint64_t generation, uint64_t file,
		     enum rawcache_reason reason, const struct statx *stx, uint64_t stx_ms);

/* The same for a handle that no other thread can see yet. */
void handle_begin(struct handle *handle, uint64_t file, enum rawcache_reason reason,
		  const struct statx *stx, uint64_t stx_ms);

/* At `now`, clock_coarse_ms(), the attributes were those of the handle. */
void handle_checked(struct handle *handle, uint64_t now);

/* Whether size and times are the same as when the attributes were last read. */
bool handle_same(const struct handle *handle, const struct statx *stx);

#endif
