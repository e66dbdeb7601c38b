/* SPDX-License-Identifier: MIT */
/*
 * The file position of a description: who keeps it, in one atomic word.
 *
 *	user	the word is the position; the kernel's own position means nothing
 *	busy	a thread is moving it into the kernel (a few hundred nanoseconds)
 *	kernel	the kernel's position is the truth. `lends` calls are at work on it; with none, a
 *		reader may adopt it back into user space
 *	shared	like kernel, for good: other processes may move it
 *
 * There is no lock. The version in the kernel state changes with every lend, so that an adoption that saw an
 * old position fails. The busy state keeps the descriptor open: a thread that takes a handle out of the
 * descriptor table waits for the end of the busy state before the kernel closes; and the thread that enters
 * the busy state then checks whether the table still has the handle at that number. So a position is never set
 * on another file that got the number meanwhile (INV-6); fork() settles descriptors that other threads are
 * closing.
 */
#ifndef SHIM_POSITION_H
#define SHIM_POSITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/* The two highest bits tell the state; see above. */
#define POSITION_KERNEL (UINT64_C(1) << 63)
#define POSITION_SHARED (UINT64_C(1) << 62) /* with POSITION_KERNEL */
#define POSITION_BUSY (UINT64_C(1) << 62)   /* without POSITION_KERNEL */
#define POSITION_UNKNOWN UINT64_MAX
#define POSITION_MAX (UINT64_C(1) << 61) /* beyond this the kernel keeps it */

struct handle;

struct position {
	struct handle *owner; /* the handle that the table must have for its descriptors */
	uint64_t word;
	/* where the kernel's position was when it became ours; or POSITION_UNKNOWN */
	uint64_t left;
	uint32_t version;
};

/* Must be called before any other thread can see it. */
static inline void position_init(struct position *position, struct handle *owner, uint64_t word)
{
	position->owner = owner;
	position->left = 0;
	store_relaxed(&position->word, word);
}

/* Whether the position is kept in user space. */
static inline bool position_user(uint64_t word)
{
	return !(word & (POSITION_KERNEL | POSITION_BUSY));
}

static inline bool position_is_shared(const struct position *position)
{
	uint64_t both = POSITION_KERNEL | POSITION_SHARED;

	return (load_relaxed(&position->word) & both) == both;
}

/* Move from `at` to `to`. False: somebody else moved it meanwhile. */
static inline bool position_move(struct position *position, uint64_t at, uint64_t to)
{
	return cas(&position->word, &at, to);
}

/* Give the position to the kernel until position_return(); `fd` is one of its descriptors. */
void position_lend(struct position *position, int fd);
void position_return(struct position *position);

/* Give the position to the kernel for good. */
void position_share(struct position *position, int fd);

/*
 * In a copy of the process, where no other thread is: like position_share(), whatever the state was. With
 * fd -1 the kernel's position stays as it is.
 */
void position_inherit(struct position *position, int fd);

/* The handle has left the table: wait until no thread settles its position any more. */
void position_quiesce(struct position *position);

/* Take the position back if no call is at work on it. Returns true if it is in user space now, in *at. */
bool position_adopt(struct position *position, int fd, uint64_t *at);

#endif
