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
 * A reader is served from the cache through the number `file`; while that is RAWCACHE_NO_FILE, reads
 * pass to the kernel and try again at `retry_ms`. What is open for reading and writing is a reader until
 * something is about to be changed through it, or somebody else gets the description, who tells nobody
 * what he does: from then on it is a writer, which is never served, and exists so that writing through it
 * is announced.
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
#include "shim/table/position.h"

#define HANDLE_NEVER UINT64_MAX
#define HANDLE_NO_GUESS UINT64_MAX

enum handle_mode {
	HANDLE_READS,	  /* open for reading only */
	HANDLE_MAY_WRITE, /* nothing was written yet */
	HANDLE_WRITES,
};

struct handle {
	struct position position;
	uint64_t file;	     /* the cache's number of it, RAWCACHE_NO_FILE: bypass */
	uint64_t size;	     /* that it had when its attributes were read last */
	uint64_t checked_ms; /* when that was, clock_coarse_ms() */
	uint64_t look_ms;    /* when they are to be read again, HANDLE_NEVER, */
	uint64_t look_bytes; /* or for a read of so many bytes: see look.h, news.h */
	uint64_t retry_ms;   /* bypassed: when to try again, HANDLE_NEVER for writers */
	uint64_t generation; /* counts the lives of this memory */
	uint64_t guess;	     /* where the kernel's position was seen last, for claim_guessed() */
	uint32_t refs;
	uint32_t reason; /* bypassed: enum rawcache_reason */
	uint32_t look_wait_ms;
	uint32_t mode;	    /* enum handle_mode */
	uint32_t directory; /* hash of the path of the one it lies in */
	uint8_t updating;   /* a thread is in handle_set_file() */
	uint8_t tree; /* of a frozen file (files/tree.h), whose bytes lie in a memory file: stx is that one's */
	uint32_t frozen; /* its number, plus 1 */
	struct statx stx;
};

/* A handle with one reference, or NULL. */
struct handle *handle_make(enum handle_mode mode, uint64_t position);

static inline bool handle_is_writer(const struct handle *handle)
{
	return load_acquire(&handle->mode) == HANDLE_WRITES;
}

/*
 * A change is about to be made through `handle`, or might be from now on where we do not see it; `fd` is
 * one of its descriptors. If it may write, it is a writer when this returns, its position the kernel's,
 * and the change announced. True: so it was. Async-signal-safe.
 */
bool handle_write_slow(struct handle *handle, int fd);
static inline bool handle_write(struct handle *handle, int fd)
{
	return unlikely(load_acquire(&handle->mode) == HANDLE_MAY_WRITE) &&
	       handle_write_slow(handle, fd);
}

/* From now on a stand-in for a file of a frozen tree. `handle` is nobody else's yet. */
void handle_freeze(struct handle *handle, uint8_t tree, uint32_t number, const struct statx *stx);

/* How many such there are. */
extern uint32_t handle_frozen;

/* How many writers there are, and how many that may become some; read without a lock. */
uint32_t handle_writers(void);
uint32_t handle_may_write(void);

/* One more reference to a handle that may be dying: false if it is dead. */
bool handle_hold(struct handle *handle);
void handle_release(struct handle *handle);

/*
 * Let `handle` be served as `file` from now on, whose attributes are `stx`, if it still lives
 * its life `generation`; the reference to the file it had before is put, or that to `file` if
 * the handle has died or another thread does so. RAWCACHE_NO_FILE: bypass it for `reason`, and look again when the
 * file may have settled. `stx_ms`: clock_coarse_ms() before the attributes were read. They age from then on: a
 * thread may be stopped before it has stored them.
 */
void handle_set_file(struct handle *handle, uint64_t generation, uint64_t file,
		     enum rawcache_reason reason, const struct statx *stx, uint64_t stx_ms);

/* The same for a handle that nobody else can see yet. */
void handle_begin(struct handle *handle, uint64_t file, enum rawcache_reason reason,
		  const struct statx *stx, uint64_t stx_ms);

/* The attributes were as the handle has them at `now`, clock_coarse_ms(). */
void handle_checked(struct handle *handle, uint64_t now);

/* The same size and times as when the attributes were read last. */
bool handle_same(const struct handle *handle, const struct statx *stx);

#endif
