/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/thread_held.h"

#include <rawcache/embed.h>

#include "base/critical.h"
#include "core/shared/pin.h"
#include "core/zerocopy/map_follow.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/recall.h"

tls_initial struct map_build map_build;
tls_initial struct transfer_held transfer_held;

void map_build_begin(struct rawcache *cache, struct file *file)
{
	map_build.file = file;
	map_build.shown = NULL;
	map_build.pieces = NULL;
	map_build.cache = cache;
}

void map_build_finish(void)
{
	struct rawcache *cache = map_build.cache;

	map_build.cache = NULL;
	pieces_give_up(cache, map_build.pieces);
	if (map_build.shown)
		recall_hide(cache, map_build.shown);
	file_release(cache, map_build.file);
}

static void map_build_end(void)
{
	struct critical critical;

	if (!map_build.cache)
		return;
	critical_enter(&critical);
	map_build_finish();
	critical_leave(&critical);
}

void held_begin(struct rawcache *cache, struct file *file)
{
	rawcache_thread_recover();
	transfer_held.file = file;
	transfer_held.pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* all fields must be set before it counts */
	transfer_held.cache = cache;
}

void held_end(void)
{
	struct rawcache *cache = transfer_held.cache;
	struct file *file = transfer_held.file;
	int pin = transfer_held.pin;

	transfer_held.cache = NULL;
	/* a hold may stay for ever rather than be released twice */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!cache)
		return;
	pin_put(cache, pin);
	if (file)
		file_release(cache, file);
}

void rawcache_thread_recover(void)
{
	map_build_end();
	follow_wait_end();
	held_end();
}

void held_unpin(struct rawcache *cache)
{
	int pin = transfer_held.pin;

	transfer_held.pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pin_put(cache, pin);
}
