/* SPDX-License-Identifier: MIT */
#include "core/origin/doubt.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

#define DOUBTS 1024u /* files that share one only look more often than they need */

static large_table struct doubt doubts[DOUBTS];

struct doubt *doubt_of(const struct statx *stx)
{
	uint64_t h = (sys_device(stx) ^ stx->stx_ino) * UINT64_C(0x9e3779b97f4a7c15);

	return &doubts[(h >> 32) % DOUBTS];
}

void doubt_raise(struct doubt *doubt, bool ask)
{
	if (ask)
		/* incremented first: a thread that sees the new count must also see this */
		fetch_add(&doubt->asked, 1);
	fetch_add(&doubt->count, 1); /* pairs with the acquire in file_written() */
}

void doubt_changed(struct doubt *doubt)
{
	fetch_add(&doubt->changes, 1);
	doubt_raise(doubt, false);
}

void doubt_changed_seen(struct doubt *doubt, uint32_t *seen, uint32_t *changes)
{
	fetch_add(&doubt->changes, 1);
	if (fetch_add(&doubt->count, 1) != *seen)
		return;
	++*seen;
	++*changes;
}

/*
 * Of two that come at once the later one counts. If the earlier one overwrites it, that is not worth a
 * loop.
 */
void doubt_news(struct doubt *doubt)
{
	store_release(&doubt->news_ns, clock_mono_ns());
}

int doubt_look(struct doubt *doubt, int fd, struct statx *stx)
{
	uint32_t asked = load_acquire(&doubt->asked);
	int err;

	if (likely(asked == load_relaxed(&doubt->answered)))
		return sys_fstatx(fd, stx);
	err = sys_fstatx_sync(fd, stx);
	if (!err)
		store_relaxed(&doubt->answered, asked);
	return err;
}
