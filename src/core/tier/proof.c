/* SPDX-License-Identifier: MIT */
#include "core/tier/proof.h"

#include <linux/futex.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "base/sys.h"

#define SAMPLE 256u			  /* 0.4 % of the chunks are read twice */
#define SMALL_SAMPLE 16u		  /* one small file in this many is compared */
#define SMALL_CHUNKS 4u			  /* up to a MiB */
#define CHUNK_BYTES (UINT64_C(256) << 10) /* FORMAT_CHUNK_MAX */
/*
 * Then it is taken for unproven, and the origin is read. Of an origin that takes more than 67 ms for a chunk, the chunk
 * is read twice; a longer wait would delay the program by as much when the mount stalls.
 */
#define WAIT_MAX_NS (UINT64_C(100) * 1000000)
/* The first read of an origin since the machine was started: what it takes is known when it ends. */
#define WAIT_UNKNOWN_NS (UINT64_C(400) * 1000000)

static void state_set(struct file *file, uint32_t state)
{
	store_release(&file->tier.state, state);
	sys_futex(&file->tier.state, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

/*
 * Who compares may be a thread of the process that this one was forked from: nobody waits twice for it. `comes`: it
 * has not begun yet.
 */
static uint32_t state_wait(struct file *file, uint64_t expected, bool comes)
{
	uint64_t wait = expected ? min_u64(expected + expected / 2, WAIT_MAX_NS) : WAIT_UNKNOWN_NS;
	uint64_t end = clock_mono_ns() + wait;
	uint32_t state;

	while ((state = load_acquire(&file->tier.state)) == TIER_PROVING ||
	       (comes && state == TIER_UNPROVEN)) {
		uint64_t now = clock_mono_ns();
		struct timespec left = { .tv_nsec = (long)(end - now) };

		if (now >= end) {
			if (state == TIER_PROVING)
				cas(&file->tier.state, &state, TIER_UNPROVEN);
			break;
		}
		sys_futex(&file->tier.state, FUTEX_WAIT_PRIVATE, state, &left);
	}
	return state;
}

static enum proof compare_later(struct tier_ask *ask, const void *buf, uint32_t length, bool proves)
{
	XXH128_hash_t hash = XXH3_128bits(buf, length);

	ask->hash[0] = hash.low64;
	ask->hash[1] = hash.high64;
	ask->compare = true;
	ask->proves = proves;
	return PROOF_READ;
}

bool proof_small(const struct file *file)
{
	return file->size <= SMALL_CHUNKS * CHUNK_BYTES;
}

static bool first_read(struct file *file, struct tier_ask *ask, int fd, void *buf,
		       uint32_t chunk_bytes)
{
	uint64_t begun = clock_mono_ns();
	uint32_t have = 0;
	XXH128_hash_t hash;
	ssize_t got;

	while (have < chunk_bytes) {
		got = sys_pread(fd, (char *)buf + have, chunk_bytes - have, have);
		if (got <= 0)
			return false;
		have += (uint32_t)got;
	}
	hash = XXH3_128bits(buf, have);
	file->tier.print[0] = hash.low64;
	file->tier.print[1] = hash.high64;
	ask->took = clock_mono_ns() - begun;
	return true;
}

bool proof_first(struct file *file, struct tier_ask *ask, int fd, void *buf, uint32_t chunk_bytes,
		 uint64_t expected)
{
	uint32_t state = load_acquire(&file->tier.state);
	bool good;

	if (state == TIER_UNPROVEN && ask->first_comes)
		state = state_wait(file, expected, true);
	if (state == TIER_UNPROVEN && cas(&file->tier.state, &state, TIER_PROVING)) {
		good = first_read(file, ask, fd, buf, chunk_bytes);
		ask->have = good && ask->first;
		if (good && !ask->first) {
			stats_add(origin_reads, 1);
			stats_add(origin_bytes, chunk_bytes);
		}
		state_set(file, good ? TIER_PROVEN : TIER_UNPROVEN);
		return good;
	}
	if (state == TIER_PROVING)
		state = state_wait(file, expected, false);
	return state == TIER_PROVEN;
}

static enum proof small_use(struct file *file, struct tier_ask *ask, const void *buf,
			    uint32_t length, uint64_t expected)
{
	static uint32_t turn;
	uint32_t state = load_acquire(&file->tier.state);

	if (state == TIER_UNPROVEN) {
		uint32_t next = fetch_add(&turn, 1) % SMALL_SAMPLE ? TIER_PROVEN : TIER_PROVING;

		if (cas(&file->tier.state, &state, next)) {
			if (next == TIER_PROVING)
				return compare_later(ask, buf, length, true);
			state = next;
		}
	}
	if (state == TIER_PROVING)
		state = state_wait(file, expected, false);
	return state == TIER_PROVEN ? PROOF_USE : PROOF_READ;
}

static bool print_same(const struct file *file, const void *buf, uint32_t length)
{
	XXH128_hash_t hash = XXH3_128bits(buf, length);

	return hash.low64 == file->tier.print[0] && hash.high64 == file->tier.print[1];
}

enum proof proof_use(struct file *file, struct tier_ask *ask, const void *buf, uint32_t length,
		     uint64_t expected)
{
	static uint32_t turn;

	if (proof_small(file))
		return small_use(file, ask, buf, length, expected);
	if (load_acquire(&file->tier.state) != TIER_PROVEN)
		return PROOF_READ;
	if (ask->first && !print_same(file, buf, length)) {
		state_set(file, TIER_NEVER);
		return PROOF_DIFFERS;
	}
	if (!ask->first && fetch_add(&turn, 1) % SAMPLE == SAMPLE - 1)
		return compare_later(ask, buf, length, false);
	return PROOF_USE;
}

bool proof_agrees(const struct file *file, const struct tier_ask *ask, const void *buf,
		  uint32_t length)
{
	return load_acquire(&file->tier.state) == TIER_PROVEN &&
	       (!ask->first || print_same(file, buf, length));
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
