/* SPDX-License-Identifier: MIT */
#include "core/tier/proof.h"

#include <linux/futex.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/sys.h"

#define SAMPLE 256u
#define SMALL_SAMPLE 16u
#define SMALL_CHUNKS 4u
#define WAIT_MAX_NS (UINT64_C(100) * 1000000)

static void state_set(struct file *file, uint32_t state)
{
	store_release(&file->tier.state, state);
	sys_futex(&file->tier.state, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

/* Who compares may be a thread of the process that this one was forked from: nobody waits twice for it. */
static uint32_t state_wait(struct file *file, uint64_t expected)
{
	uint64_t wait = expected + expected / 2;
	uint64_t end = clock_mono_ns() + (wait < WAIT_MAX_NS ? wait : WAIT_MAX_NS);
	uint32_t state;

	while ((state = load_acquire(&file->tier.state)) == TIER_PROVING) {
		uint64_t now = clock_mono_ns();
		struct timespec left = { .tv_nsec = (long)(end - now) };

		if (now >= end) {
			cas(&file->tier.state, &state, TIER_UNPROVEN);
			break;
		}
		sys_futex(&file->tier.state, FUTEX_WAIT_PRIVATE, TIER_PROVING, &left);
	}
	return state;
}

static bool compare_later(struct tier_ask *ask, const void *buf, uint32_t length, bool proves)
{
	XXH128_hash_t hash = XXH3_128bits(buf, length);

	ask->hash[0] = hash.low64;
	ask->hash[1] = hash.high64;
	ask->compare = true;
	ask->proves = proves;
	return false;
}

/* Small files are too many to have a chunk of each read twice. */
static bool small_passes(const struct file *file, uint64_t chunk_bytes)
{
	static uint32_t turn;

	return file->size <= SMALL_CHUNKS * chunk_bytes && fetch_add(&turn, 1) % SMALL_SAMPLE;
}

bool proof_use(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length, uint64_t expected)
{
	static uint32_t turn;
	uint32_t state = load_acquire(&file->tier.state);

	if (state == TIER_PROVING)
		state = state_wait(file, expected);
	if (state == TIER_UNPROVEN) {
		uint32_t next = small_passes(file, WIRE_VALUE_MAX) ? TIER_PROVEN : TIER_PROVING;

		if (cas(&file->tier.state, &state, next)) {
			if (next == TIER_PROVING)
				return compare_later(ask, buf, length, true);
			state = next;
		} else if (state == TIER_PROVING) {
			state = state_wait(file, expected);
		}
	}
	if (state != TIER_PROVEN)
		return false;
	if (fetch_add(&turn, 1) % SAMPLE == SAMPLE - 1)
		return compare_later(ask, buf, length, false);
	return true;
}

bool proof_end(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length, bool good)
{
	XXH128_hash_t hash = { 0 };
	bool equal;

	ask->compare = false;
	if (good)
		hash = XXH3_128bits(buf, length);
	equal = !good || (hash.low64 == ask->hash[0] && hash.high64 == ask->hash[1]);
	if (!equal)
		state_set(file, TIER_NEVER);
	else if (ask->proves)
		state_set(file, good ? TIER_PROVEN : TIER_UNPROVEN);
	return equal;
}
