/* SPDX-License-Identifier: MIT */
/* Where the parts of the segment lie. */
#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/compiler.h"
#include "core/image/format.h"
#include "core/image/image.h"
#include "core/shared/runtime.h"
#include "core/shared/segment.h"

/* clang-format off */
#define SIZES \
	sizeof(struct runtime_header), sizeof(struct process_slot), sizeof(struct stats_block), sizeof(struct flight), \
	sizeof(pthread_mutex_t), sizeof(void *), RUNTIME_SLOTS, RUNTIME_BLOCKS, RUNTIME_FLIGHTS, RUNTIME_WRITERS, \
	SPACE_RESTS, SPACE_RUNS, RUNTIME_NEXT, RUNTIME_GHOSTS_MAX, RUNTIME_HOLDS_MAX, RUNTIME_ASKS, \
	sizeof(struct watch), sizeof(struct watch_row), RUNTIME_ABSENT, RUNTIME_CLOCKS
/* clang-format on */
#define SIZE_COUNT (sizeof((uint32_t[]){ SIZES }) / sizeof(uint32_t))

/* A note of ELF: the linker puts it at the beginning of the file, where the command looks for it in other files. */
static const struct {
	uint32_t name_bytes, bytes, type;
	char name[12];
	uint32_t version, size[SIZE_COUNT];
} note __attribute__((section(".note.rawcache"), used, aligned(4))) = {
	sizeof("rawcache"), sizeof(uint32_t) * (1 + SIZE_COUNT), 1, "rawcache", RUNTIME_VERSION,
	{ SIZES },
};

uint64_t layout_fingerprint(void)
{
	uint64_t print = note.version;

	for (size_t i = 0; i < ARRAY_SIZE(note.size); i++)
		print = (print ^ note.size[i]) * UINT64_C(0x100000001b3);
	return print;
}

const void *rawcache_layout(size_t *bytes)
{
	*bytes = sizeof(note);
	return &note;
}

/* A quarter of the number of entries in the index, as a power of two. */
static uint32_t ghosts_wanted(uint32_t visits_count)
{
	uint64_t wanted = max_u64(visits_count / 4, RUNTIME_GHOSTS_MIN);

	return 1u << log2_floor(min_u64(wanted, RUNTIME_GHOSTS_MAX));
}

static uint32_t visits_wanted(const struct image *image)
{
	uint64_t entries = (uint64_t)image->sb.bucket_count * BUCKET_ENTRIES;

	return (uint32_t)min_u64(entries, RUNTIME_VISITS_MAX);
}

/* Neighbouring regions share a bit if there are more regions than bits in a row. */
static uint32_t hold_shift_wanted(const struct image *image)
{
	uint32_t shift = 0;

	while ((image->sb.region_count - 1) >> shift >= RUNTIME_HOLDS_MAX)
		shift++;
	return shift;
}

uint64_t runtime_place(struct runtime *runtime, char *base, const struct image *image)
{
	uint32_t visits_count = visits_wanted(image);
	uint32_t hold_shift = hold_shift_wanted(image);
	/* whole cache lines: each row is written by its owner only */
	uint64_t hold_bytes = round_up(((image->sb.region_count - 1) >> hold_shift) / 8 + 1, 64);
	uint64_t slots = sizeof(struct runtime_header);
	uint64_t holds = slots + RUNTIME_SLOTS * sizeof(struct process_slot);
	uint64_t blocks = holds + HOLD_SETS * RUNTIME_SLOTS * hold_bytes;
	uint64_t flights = blocks + RUNTIME_BLOCKS * sizeof(struct stats_block);
	uint64_t writers = flights + RUNTIME_FLIGHTS * sizeof(struct flight);
	uint64_t watch = round_up(writers + RUNTIME_WRITERS * sizeof(uint32_t), 64);
	uint64_t absent = watch + sizeof(struct watch) + RUNTIME_SLOTS * sizeof(struct watch_row);
	uint64_t clocks = absent + RUNTIME_ABSENT * sizeof(struct absent_entry);
	uint64_t ghosts = clocks + RUNTIME_CLOCKS * sizeof(struct absent_clock);
	uint32_t ghost_count = ghosts_wanted(visits_count);
	uint64_t visits = ghosts + ghost_count * sizeof(uint64_t);

	if (base) {
		runtime->header = (struct runtime_header *)base;
		runtime->slots = (struct process_slot *)(base + slots);
		for (uint64_t set = 0; set < HOLD_SETS; set++)
			runtime->holds[set] =
				(uint64_t *)(base + holds + set * RUNTIME_SLOTS * hold_bytes);
		runtime->hold_words = (uint32_t)(hold_bytes / sizeof(uint64_t));
		runtime->hold_shift = hold_shift;
		runtime->blocks = (struct stats_block *)(base + blocks);
		runtime->flights = (struct flight *)(base + flights);
		runtime->writers = (uint32_t *)(base + writers);
		runtime->watch = (struct watch *)(base + watch);
		runtime->watch_rows = (struct watch_row *)(runtime->watch + 1);
		runtime->absent = (struct absent_entry *)(base + absent);
		runtime->clocks = (struct absent_clock *)(base + clocks);
		runtime->ghosts = (uint64_t *)(base + ghosts);
		runtime->ghost_count = ghost_count;
		runtime->visits = (uint8_t *)(base + visits);
		runtime->visits_count = visits_count;
	}
	return round_up(visits + visits_count, FORMAT_PAGE);
}
