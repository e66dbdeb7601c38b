/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/thread_held.h"

#include <rawcache/embed.h>

#include "base/critical.h"
#include "core/shared/pin.h"
#include "core/zerocopy/follow.h"
#include "core/zerocopy/map_build.h"
#include "core/zerocopy/recall.h"

tls_initial struct laying laying;
tls_initial struct transfer_held transfer_held;

void laying_begin(struct rawcache *cache, struct file *file)
{
	laying.file = file;
	laying.shown = NULL;
	laying.pieces = NULL;
	laying.cache = cache;
}

void laying_finish(void)
{
	struct rawcache *cache = laying.cache;

	laying.cache = NULL;
	pieces_give_up(cache, laying.pieces);
	if (laying.shown)
		recall_hide(cache, laying.shown);
	file_release(cache, laying.file);
}

static void laying_end(void)
{
	struct critical critical;

	if (!laying.cache)
		return;
	critical_enter(&critical);
	laying_finish();
	critical_leave(&critical);
}

void held_begin(struct rawcache *cache, struct file *file)
{
	rawcache_thread_recover();
	transfer_held.file = file;
	transfer_held.pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* complete before it counts */
	transfer_held.cache = cache;
}

void rawcache_thread_recover(void)
{
	struct rawcache *cache = transfer_held.cache;
	struct file *file = transfer_held.file;
	int pin = transfer_held.pin;

	laying_end();
	follow_wait_end();
	transfer_held.cache = NULL;
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* rather never given back than twice */
	if (!cache)
		return;
	pin_put(cache, pin);
	if (file)
		file_release(cache, file);
}

void held_unpin(struct rawcache *cache)
{
	int pin = transfer_held.pin;

	transfer_held.pin = -1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pin_put(cache, pin);
}
