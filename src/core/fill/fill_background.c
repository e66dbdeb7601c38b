/* SPDX-License-Identifier: MIT */
/*
 * A chunk that nobody waits for, which the thread that follows a mapping stores: it asks the tier itself, and waits for
 * the answer. Mostly the program's page faults have brought the chunk into memory: then the tier is only asked whether
 * it wants it.
 */
#include <linux/futex.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/fill/fill_steps.h"
#include "core/shared/cache.h"
#include "core/tier/tier.h"

static void background_told(struct tier_ask *ask, enum tier_news news)
{
	struct tier_wait *wait = container_of(ask, struct tier_wait, ask);
	uint32_t *told = &wait->told;

	(void)news;
	store_release(told, 1);
	sys_futex(told, FUTEX_WAKE_PRIVATE, 1,
		  NULL); /* `wait` may be gone by now: nothing is read of it */
}

/* Whether all of the chunk is in memory. The kernel says so of all files that are not the program's to write. */
static bool chunk_resident(const struct miss *m)
{
	void *map = sys_mmap(NULL, m->length, PROT_READ, MAP_PRIVATE, m->want->fd, m->at);
	bool resident;

	if (sys_is_error(map))
		return false;
	resident = unusual_in_core(map, m->length);
	sys_munmap(map, m->length);
	return resident;
}

/* The question is over before the thread of the tier ends: see link.h. */
static void background_wait(struct tier_wait *wait)
{
	tier_ask(&wait->ask);
	while (!load_acquire(&wait->told))
		sys_futex(&wait->told, FUTEX_WAIT_PRIVATE, 0, NULL);
}

ssize_t background_read(struct miss *m, ssize_t (*read)(struct miss *m))
{
	static const bool never;
	struct tier_wait *wait = m->tier;
	struct tier_ask *ask = &wait->ask;
	uint64_t begun;
	ssize_t got;

	*wait = (struct tier_wait){
		.ask = { .background = true, .tell = background_told, .unwanted = &never }
	};
	if (!tier_prepare(m->file))
		return read(m);
	if (tier_begin(m->cache, m->file, m->want->fd, m->want->chunk, m->buf, ask)) {
		ask->known = !ask->first && chunk_resident(m) && read(m) == (ssize_t)m->length;
		ask->have |= ask->known;
		background_wait(wait);
	}
	got = tier_take(m->cache, m->file, m->buf, m->length, ask);
	if (ask->have && ask->first) {
		stats_add(origin_reads, 1);
		stats_add(origin_bytes, m->length);
	}
	if (got)
		return got;
	begun = clock_mono_ns();
	got = read(m);
	tier_origin(m->cache, m->file, ask, m->buf, m->length, clock_mono_ns() - begun,
		    got == (ssize_t)m->length && file_unchanged(m->file, m->want->fd));
	return got;
}

void background_end(struct miss *m, bool kept)
{
	if (!m->tier)
		return;
	if (kept)
		tier_put(&m->tier->ask, m->buf, m->length);
	tier_forget(&m->tier->ask);
	m->tier = NULL;
}
