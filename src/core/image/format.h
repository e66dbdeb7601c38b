/* SPDX-License-Identifier: MIT */
/*
 * The image on disk; docs/format.md is its specification. All numbers are little-endian.
 *
 *	superblock A | superblock B | state | totals | region table | index | page buckets | regions
 *
 * Pages are 4 KiB; the location of an extent is the number of its first page in the data area.
 */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the image is mapped as it is: little-endian machines only"
#endif

#define FORMAT_MAGIC "RAWCACHE"
/* Changes that old readers may ignore, or must refuse, are features: see below. */
#define FORMAT_VERSION 1u
/* a page of both machines */
#define FORMAT_PAGE_SHIFT 12
#define FORMAT_PAGE 4096u
#define FORMAT_DATA_ALIGN (2u << 20)   /* a huge page: regions can be mapped by them */
#define FORMAT_REGION_MIN (512u << 10) /* two of the largest chunks */
#define FORMAT_REGION_MAX (64u << 20)  /* the length of an entry has 26 bits */
/*
 * A mapping of a file has a piece for each region, and a region is detached by one call: smaller ones cost large files
 * more of both. Larger ones leave a default image too few to tell what is old (REGIONS_WANTED: superblock.c, where
 * small images get smaller ones).
 */
#define FORMAT_REGION_DEFAULT (32u << 20)
/* Two are written, two are kept clean, and half may be held: some are left to be recycled. */
#define FORMAT_REGIONS_MIN 16u
#define FORMAT_CHUNK_MIN (64u << 10)	  /* four parts: smaller chunks are parts */
#define FORMAT_CHUNK_MAX (256u << 10)	  /* measured: docs/design/reading.md */
#define FORMAT_OBJECT_DEFAULT (16u << 10) /* a part: the index has room for files of them */

/* Features that a reader must know to read (incompatible) or may ignore (compatible). */
#define FORMAT_NEIGHBOURS UINT64_C(1) /* incompatible: chunks' buckets lie side by side */
#define FORMAT_REINSERT UINT64_C(2)   /* regions have logs, pages buckets, entries ages below 0 */
#define FORMAT_DISPLACED UINT64_C(4)  /* an entry may lie in its key's other bucket: see entry.h */
#define FORMAT_INCOMPATIBLE_KNOWN (FORMAT_NEIGHBOURS | FORMAT_REINSERT | FORMAT_DISPLACED)

/* Results of the probes that ran when the image was made. */
#define FORMAT_PROBE_ZERO_RANGE 1u /* detaching by FALLOC_FL_ZERO_RANGE works */
#define FORMAT_PROBE_PUNCH_HOLE 2u /* detaching by FALLOC_FL_PUNCH_HOLE works */
#define FORMAT_PROBE_DIRECT 4u	   /* O_DIRECT works */
#define FORMAT_SHARED 8u	   /* made for several users */

/* Offsets: a page each. */
#define FORMAT_SUPERBLOCK_A 0u
#define FORMAT_SUPERBLOCK_B 4096u
#define FORMAT_STATE 8192u
#define FORMAT_TOTALS 12288u
#define FORMAT_REGION_TABLE 16384u

struct superblock {
	uint8_t magic[8];
	uint32_t version;
	uint32_t bytes;	   /* sizeof(struct superblock) */
	uint64_t checksum; /* XXH3-64 of the 4096 bytes with this field zero */
	uint64_t sequence; /* of two valid superblocks the higher one counts */
	uint8_t uuid[16];
	uint64_t compatible;
	uint64_t incompatible;
	uint64_t image_bytes;
	uint64_t region_table_offset;
	uint64_t index_offset;
	uint64_t data_offset;
	uint32_t region_count;
	uint32_t bucket_count;
	uint32_t region_shift; /* log2 of the bytes of a region */
	uint32_t chunk_shift;
	uint32_t probes;
	uint32_t reserved0;
	uint64_t key[4];	      /* seed, salt, salt of the keyed hashes; unused */
	uint64_t created;	      /* seconds since 1970 */
	uint64_t epoch;		      /* boots that used the image, from 1 */
	uint8_t boot_id[16];	      /* the boot that `epoch` stands for */
	uint64_t page_buckets_offset; /* with FORMAT_REINSERT */
	uint8_t reserved[4096 - 192];
};
static_assert(sizeof(struct superblock) == 4096, "superblock");
static_assert(offsetof(struct superblock, image_bytes) == 64, "superblock");
static_assert(offsetof(struct superblock, key) == 120, "superblock");
static_assert(offsetof(struct superblock, boot_id) == 168, "superblock");
static_assert(offsetof(struct superblock, page_buckets_offset) == 184, "superblock");

/* Volatile facts about the image, not about a process. Nothing in it has to survive. */
struct image_state {
	uint8_t runtime_id[16]; /* of the runtime segment in use */
	uint64_t order;		/* last region order number given out */
	uint64_t nonce; /* of the last first user, which gave it to the segment as well; 0: none */
	uint8_t reserved[4096 - 32];
};
static_assert(sizeof(struct image_state) == 4096, "state");

enum region_state {
	REGION_FREE,	  /* clean: detached, nothing in it */
	REGION_ACTIVE,	  /* being filled */
	REGION_SEALED,	  /* full */
	REGION_RECYCLING, /* generation bumped; waits for pins, or is being detached */
	REGION_BAD,	  /* its storage failed */
};

/* Which log a region belongs to: see evict.h. */
enum region_log { REGION_PROBATION, REGION_MAIN, REGION_LOGS };

struct region {
	uint32_t generation; /* bumped before anything in the region is overwritten */
	uint32_t state;
	uint32_t cursor; /* pages given out; may run past the end */
	uint32_t swept;	 /* generation below which the index holds no entry */
	uint64_t opened; /* seconds since 1970 */
	uint64_t order;	 /* FIFO order of opening */
	/* epoch of its opening or of its last bump; it is not appended to in another epoch */
	uint64_t epoch;
	uint32_t owner; /* slot + 1 of the process that recycles it */
	uint32_t used;	/* pages stored and not moved away, for statistics */
	uint32_t log;
	uint8_t reserved[12];
};
static_assert(sizeof(struct region) == 64, "region");

/*
 * An index entry. `place` packs, from the low bit: length - 1 (26 bits), region generation (12), epoch (8),
 * age (18). The age tells when the extent was stored, relative to the opening of its region: seconds after
 * it, or, from ENTRY_AGE_BEFORE on, units of 256 s before it (an extent that was moved here). Zero is an
 * empty entry: a used one has an epoch of 1..255.
 */
struct entry {
	uint64_t tag_low;
	uint32_t tag_high;
	uint32_t page;
	uint64_t checksum; /* XXH3-64 of the bytes, seeded with tag_low */
	uint64_t place;
};
static_assert(sizeof(struct entry) == 32, "entry");

/* The ages: 36 hours after the opening of the region, and 388 days before it. */
#define ENTRY_LENGTH_BITS 26
#define ENTRY_GENERATION_BITS 12
#define ENTRY_EPOCH_BITS 8
#define ENTRY_AGE_BITS 18
#define ENTRY_GENERATION_SHIFT ENTRY_LENGTH_BITS
#define ENTRY_EPOCH_SHIFT (ENTRY_GENERATION_SHIFT + ENTRY_GENERATION_BITS)
#define ENTRY_AGE_SHIFT (ENTRY_EPOCH_SHIFT + ENTRY_EPOCH_BITS)
#define ENTRY_AGE_BEFORE (1u << (ENTRY_AGE_BITS - 1))
#define ENTRY_AGE_MAX (ENTRY_AGE_BEFORE - 1)
#define ENTRY_AGE_UNIT 256u
#define ENTRY_GENERATION_MASK ((1u << ENTRY_GENERATION_BITS) - 1)
static_assert(ENTRY_AGE_SHIFT + ENTRY_AGE_BITS == 64, "entry");

#define BUCKET_ENTRIES 7 /* with the head they are 256 bytes */

struct bucket {
	uint32_t sequence;  /* odd while an entry is being replaced */
	uint32_t displaced; /* with FORMAT_DISPLACED: a bit for each entry, see entry.h */
	uint64_t reserved[3];
	struct entry entry[BUCKET_ENTRIES];
};
static_assert(sizeof(struct bucket) == 256, "bucket");

/* The epoch as entries carry it: never 0, and the same again only after 255 boots. */
static inline uint32_t format_epoch(uint64_t epoch)
{
	return (uint32_t)(epoch % 255) + 1;
}

#endif
