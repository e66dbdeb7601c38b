/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/news.h"

#include <rawcache/embed.h>

#include "base/sys.h"

#include "shim/table/handle.h"

#define PLACES 4096u /* a power of two: bits */

static uint64_t mapped[PLACES / 64];
static uint64_t written[PLACES / 64];
static bool any;
uint32_t news_known;
struct news_heard news_heard;

static uint32_t place_of(const struct statx *stx)
{
	uint64_t hash = (stx->stx_ino ^ sys_device(stx) << 32) * 0x9e3779b97f4a7c15u;

	return (uint32_t)(hash >> 32) & (PLACES - 1);
}

bool news_of_slow(const struct statx *stx)
{
	uint32_t place = place_of(stx);

	return load_relaxed(&any) || load_relaxed(&mapped[place / 64]) >> place % 64 & 1;
}

void news_writes(const struct statx *stx)
{
	uint32_t place = place_of(stx);

	__atomic_fetch_or(&written[place / 64], 1ull << place % 64, __ATOMIC_RELAXED);
}

bool news_written(const struct statx *stx)
{
	uint32_t place = place_of(stx);

	return load_relaxed(&written[place / 64]) >> place % 64 & 1;
}

/* Handles that are there already. One that is opened at this moment sees the mark at its first look. */
static bool handle_learns(struct handle *handle, const void *unused)
{
	(void)unused;
	if (news_of_slow(&handle->stx))
		store_relaxed(&handle->look_bytes, 0);
	return false; /* the others, too */
}

static void news_begin(void)
{
	store_relaxed(&news_known, 1);
	fdtab_find(handle_learns, NULL);
}

void news_mapped(const struct statx *stx)
{
	uint32_t place = place_of(stx);
	uint64_t bit = 1ull << place % 64;

	if (load_relaxed(&mapped[place / 64]) & bit)
		return;
	__atomic_fetch_or(&mapped[place / 64], bit, __ATOMIC_RELAXED);
	news_begin();
}

void news_any(void)
{
	if (load_relaxed(&any))
		return;
	store_relaxed(&any, true);
	rawcache_opens_stop();
	news_begin();
}
