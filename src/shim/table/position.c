/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/position.h"

#include "base/critical.h"
#include "base/sys.h"

#include "shim/table/fdtab.h"
#include "shim/table/sign.h"

/* The low half of a kernel word counts the calls at work; the version has the bits from 32 to 61. */
#define LENDS_MASK UINT64_C(0xffffffff)
#define VERSION_MASK UINT64_C(0x3fffffff)

/* A word of the kernel state, with `lends` calls at work, that differs from all before it. */
static uint64_t kernel_word(struct position *position, uint64_t lends)
{
	uint64_t version = fetch_add(&position->version, 1) & VERSION_MASK;

	return POSITION_KERNEL | version << 32 | lends;
}

static void busy_wait(void)
{
	SYS_CALL(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
}

/* Set the kernel's position. If it is not where it was left, somebody moves it past the hooks. */
static void kernel_move(struct position *position, int fd, uint64_t at)
{
	uint64_t left = load_relaxed(&position->left);
	int64_t found = sys_lseek(fd, 0, SEEK_CUR);

	if (left != POSITION_UNKNOWN && found >= 0 && (uint64_t)found != left)
		sign_note(SIGN_POSITION);
	store_relaxed(&position->left, POSITION_UNKNOWN);
	sys_lseek(fd, (int64_t)at, SEEK_SET);
}

/*
 * user -> busy -> kernel; or back to user if the number means something else by now. Signals are held back,
 * because a handler that finds its own thread busy would wait forever. Returns whether this thread did it.
 */
static bool position_settle(struct position *position, int fd, uint64_t at, uint64_t to)
{
	struct critical critical;
	bool mine;

	critical_enter(&critical);
	mine = position_move(position, at, at | POSITION_BUSY);
	if (mine) {
		fence_full(); /* pairs with the fence in position_quiesce(): one of the two sees the other */
		if (fdtab_get(fd) == position->owner)
			kernel_move(position, fd, at);
		else
			to = at;
		/* pairs with the acquire load of threads that wait for the end of the busy state */
		store_release(&position->word, to);
	}
	critical_leave(&critical);
	return mine;
}

void position_quiesce(struct position *position)
{
	uint64_t word;

	fence_full(); /* between the end of the entry and this look */
	while (!((word = load_acquire(&position->word)) & POSITION_KERNEL) && word & POSITION_BUSY)
		busy_wait();
}

void position_inherit(struct position *position, int fd)
{
	uint64_t word = load_relaxed(&position->word);

	if (!(word & POSITION_KERNEL) && fd >= 0)
		sys_lseek(fd, (int64_t)(word & ~POSITION_BUSY), SEEK_SET);
	store_relaxed(&position->word, POSITION_KERNEL | POSITION_SHARED);
}

void position_lend(struct position *position, int fd)
{
	for (;;) {
		uint64_t word = load_acquire(&position->word);

		if (position_user(word)) {
			if (position_settle(position, fd, word, kernel_word(position, 1)))
				return;
		} else if (!(word & POSITION_KERNEL)) {
			busy_wait();
		} else if (word & POSITION_SHARED) {
			return;
		} else if (position_move(position, word,
					 kernel_word(position, (word & LENDS_MASK) + 1))) {
			return;
		}
	}
}

void position_return(struct position *position)
{
	for (;;) {
		uint64_t word = load_acquire(&position->word);

		/* shared meanwhile: lends are not counted any more */
		if (!(word & POSITION_KERNEL) || word & POSITION_SHARED || !(word & LENDS_MASK))
			return;
		if (position_move(position, word, word - 1))
			return;
	}
}

void position_share(struct position *position, int fd)
{
	const uint64_t shared = POSITION_KERNEL | POSITION_SHARED;

	for (;;) {
		uint64_t word = load_acquire(&position->word);

		if (position_user(word)) {
			if (position_settle(position, fd, word, shared))
				return;
		} else if (!(word & POSITION_KERNEL)) {
			busy_wait();
		} else if (word & POSITION_SHARED || position_move(position, word, shared)) {
			return;
		}
	}
}

bool position_adopt(struct position *position, int fd, uint64_t *at)
{
	uint64_t word = load_acquire(&position->word);
	int64_t kernel;

	if (position_user(word)) {
		*at = word;
		return true;
	}
	if (!(word & POSITION_KERNEL) || word & (POSITION_SHARED | LENDS_MASK))
		return false;
	kernel = sys_lseek(fd, 0, SEEK_CUR);
	if (kernel < 0 || (uint64_t)kernel > POSITION_MAX)
		return false;
	*at = (uint64_t)kernel;
	/*
	 * fails if a call has lent it since `word` was read: the version differs even if the count does not
	 */
	if (!position_move(position, word, *at))
		return false;
	store_relaxed(&position->left, *at);
	return true;
}
