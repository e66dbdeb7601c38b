/* SPDX-License-Identifier: MIT */
/*
 * The runtime segment: what the processes that use one image tell each other. It is shared memory that need
 * not survive: it is made anew after a reboot, or if its layout is not ours and nobody is attached.
 *
 *   header | process slots | holds | stats blocks | flights | writer generations | mappings and writers |
 *   absent names | ghosts | visits
 *
 * Attaching is settled by open-file-description locks on the image: every attached process holds the byte
 * LOCK_USERS shared; a process that makes a segment holds it exclusively. Liveness is settled by such locks
 * on the segment: the owner of slot i holds the byte LOCK_SLOT + i, through a descriptor of its own, so
 * that the kernel releases it when the process is gone, however it ended and in whatever pid namespace it
 * lived.
 *
 * Everything that is read from the segment must be range-checked by its user: another process may have
 * overwritten it.
 */
#ifndef CORE_RUNTIME_H
#define CORE_RUNTIME_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rawcache/rawcache.h>

#include "core/image/image.h"

#define RUNTIME_MAGIC "RCRUNTIM"
#ifndef RUNTIME_VERSION	    /* tests/faults/versions.c defines another */
#define RUNTIME_VERSION 12u /* goes up when the layout changes */
#endif
/*
 * What the segment has room for. All together it takes 35 MiB of memory at most, of which pages that nobody has
 * touched take none. What happens when there is no room:
 */
#define RUNTIME_SLOTS 1024u  /* processes; others run without the cache */
#define RUNTIME_BLOCKS 1024u /* threads that count apart; others share the block of their process */
#define RUNTIME_FLIGHTS 1024u /* chunks under way; others are fetched by each that wants them */
#define RUNTIME_WRITERS 8192u /* files that share a writer generation are looked at together */
#define RUNTIME_VISITS_MAX (8u << 20)	/* entries that share a byte count as visited together */
#define RUNTIME_INDEX_LOCKS 64u		/* writers of buckets that share a lock wait */
#define RUNTIME_ABSENT 65536u		/* names: see absent.h */
#define RUNTIME_CLOCKS 256u		/* mounts whose names may be settled: see absent.h */
#define RUNTIME_CODE 1024u		/* objects of programs: see code_known.c */
#define RUNTIME_NEXT 2u			/* clean regions that are kept ready: one for each log */
#define RUNTIME_GHOSTS_MIN 64u		/* eight sets: see ghost.c */
#define RUNTIME_GHOSTS_MAX (512u << 10) /* 4 MiB */
#define WATCH_SHOWN 1024u		/* bits of a row: see watch.h */
#define RUNTIME_ASKS 8u		 /* regions that are wanted back at the same time: see hold_ask.h */
#define WATCH_WRITTEN 2048u	 /* the same, of what is written to */
#define WATCH_WAYS 2u		 /* enum watch_way */
#define RUNTIME_HOLDS_MAX 65536u /* bits of a process: see region_hold.h */
#ifndef SLOT_PINS
#define SLOT_PINS 64u /* bits of a word: calls of a process that pin at the same time */
#endif
#define TIER_SERVERS \
	64u /* twice the servers of a list: another program may have another list, or network */
#define TIER_ORIGINS 16u /* mounts */
#define TIER_NAMES 16u	 /* data sets: SETUP_NAMES */
#define SPACE_RESTS 16u	 /* leftovers; the smallest one is given up for another */
#define SPACE_RUNS 64u	 /* files that are read in order at the same time */

/* A process. Only its owner writes it, except that others write `blamed_steps`, and clear `pin` of a dead process. */
struct process_slot {
	uint32_t used; /* 1 once the fields below are valid; cleared when folded */
	uint32_t pid;
	uint64_t attached; /* seconds since 1970 */
	char command[16];
	uint32_t pin[SLOT_PINS]; /* region + 1, or 0: see pin.h */
	/* 0 when it attached, incremented when one of its flights begins, becomes ready or ends: see flight.h */
	uint32_t steps;
	uint32_t
		blamed_steps; /* `steps` at the time when a waiter began to wait that then timed out */
	struct rawcache_stats stats; /* of threads that have no block of their own */
} __attribute__((aligned(64)));

/* The statistics of a thread; block_owner[] tells which process it belongs to. */
struct stats_block {
	struct rawcache_stats stats;
} __attribute__((aligned(64)));

/* A chunk that a process is fetching: see flight.h. */
struct flight {
	uint64_t claim; /* bits of the chunk's key | slot + 1 of the owner; 0: free */
	uint32_t word;	/* futex: changes when the flight ends */
	uint32_t waiters;
	uint32_t slow;	/* a waiter has timed out: nobody waits for it any more */
	uint32_t ahead; /* the owner is not working on it now: it may be taken over */
	uint64_t ready; /* what lies in the image already, in one word: see flight.c */
	uint64_t life;	/* counts the claims: tells two of the same key and owner apart */
	uint64_t reserved[3];
};
static_assert(sizeof(struct flight) == 64, "flight");

#define FLIGHT_OWNER_MASK UINT64_C(0xffff) /* the low 16 bits of a claim */
static_assert(RUNTIME_SLOTS < FLIGHT_OWNER_MASK, "flight");

/* Whether a part of the tier is used now: see core/tier/breaker.h. All times are those of clock_coarse_ms(). */
struct tier_switch {
	uint64_t until; /* 0: it is used */
	uint64_t since; /* results of calls that began before this time are ignored */
	uint32_t level; /* how often it failed since it last worked */
	union {
		/* of leases: earned by waits that succeeded; a wait in vain costs some of it */
		uint32_t credit;
		uint32_t late; /* of asked: number of late answers */
	};
};

struct tier_server {
	uint64_t name; /* a hash; 0: free */
	struct tier_switch asked;
	struct tier_switch leases; /* whether readers wait for chunks that other machines fetch */
	uint32_t answer_us;	   /* mean of what an answer took */
	int32_t error;		   /* the last one; 0: none */
};
static_assert(sizeof(struct tier_server) == 64, "tier_server");

/* What a chunk costs, by the mount's device. */
struct tier_origin {
	uint64_t device;
	uint64_t origin_ns; /* mean of what one took */
	/* the same, divided by the number of chunks that were under way at once */
	uint64_t origin_cost, hit_cost, miss_cost;
	uint64_t spread_ns; /* of the origin's: how far from the mean */
	uint32_t hits, misses;
	uint32_t turn;
	uint32_t reserved;
};
static_assert(sizeof(struct tier_origin) == 64, "tier_origin");

struct tier_state {
	struct tier_server server[TIER_SERVERS];
	struct tier_origin origin[TIER_ORIGINS];
	/* hashes of data sets that differ from machine to machine */
	uint64_t differing[TIER_NAMES];
} __attribute__((aligned(64)));

/* Space that was cut from regions and is not used yet: see space.h. */
struct space_rest {
	uint32_t page;
	uint32_t pages; /* 0: none */
	uint32_t generation;
	uint32_t reserved;
};

struct space_run {
	uint64_t tag;	/* of the file; 0: none */
	uint64_t first; /* chunk of the file */
	uint64_t taken; /* a bit for each chunk */
	uint32_t chunks;
	uint32_t page;
	uint32_t pages; /* at the end of a file, fewer than its chunks would take */
	uint32_t generation;
	uint32_t touched;  /* seconds */
	uint32_t followed; /* whether there is a run behind it: see space.c */
	uint32_t reserved[4];
};
static_assert(sizeof(struct space_run) == 64, "space_run");

struct space {
	pthread_mutex_t lock __attribute__((aligned(64)));
	struct space_rest rest[SPACE_RESTS];
	struct space_run run[SPACE_RUNS];
} __attribute__((aligned(64)));

/* What a process maps and what it writes to: see watch.h. */
struct watch_row {
	uint64_t shown[WATCH_SHOWN / 64];
	uint64_t written[WATCH_WAYS][WATCH_WRITTEN / 64];
	uint32_t seen; /* the last demand that was answered */
	uint32_t reserved;
	uint64_t
		blamed_seen; /* 1 << 32 | `seen` at the time when a waiter timed out; 0: none has */
} __attribute__((aligned(64)));

struct watch {
	uint32_t word;			  /* futex: counts demands */
	uint32_t answers;		  /* futex */
	uint64_t shown[WATCH_SHOWN / 64]; /* bits that any row may have set */
	uint64_t written[WATCH_WAYS][WATCH_WRITTEN / 64];
} __attribute__((aligned(64)));

/* A region that its holders are asked to release: see hold_ask.h. */
struct hold_ask {
	uint32_t bit; /* its bit in the rows of holds, + 1; 0: none */
	uint32_t ms;  /* clock_coarse_ms() when it was asked for */
};

/* A name that is absent, or a directory that was seen: see absent.h. */
struct absent_entry {
	uint64_t tag; /* 0: free */
	uint64_t word;
};

/* The latest time that the server of a mount has given to a change. */
struct absent_clock {
	uint64_t mount;	    /* 0: free */
	uint64_t latest_ns; /* since 1970 */
};

/* Where the image is, so that a leftover segment can be told from one in use: see sweep.h. */
struct runtime_home {
	uint8_t uuid[16];
	uint64_t mounts; /* inode of the mount namespace in which `path` was true; 0: unknown */
	uint64_t root_device, root_inode; /* of the root directory at which `path` begins */
	uint64_t device;		  /* of the file system that the image is on */
	char path[976];			  /* empty: not known, too long, or a block device */
};
static_assert(sizeof(struct runtime_home) == 1024, "runtime_home");

struct runtime_header {
	uint8_t magic[8];
	uint32_t version;
	uint32_t ready; /* stored last, with release */
	/* fingerprint of sizes: a process with other structs does not use the segment */
	uint64_t layout;
	uint64_t bytes;
	uint8_t id[16];
	uint8_t image_uuid[16];
	uint8_t boot_id[16];
	uint32_t visits_count;
	uint32_t slots_high;		     /* slots ever used: scans end there */
	uint32_t active_region[REGION_LOGS]; /* region + 1 to which extents are appended; 0: none */
	uint32_t next_region[RUNTIME_NEXT];  /* region + 1 that is clean and waits; 0: none */
	uint32_t evict_region; /* region + 1 that is being emptied: see evict.h; 0: none */
	uint32_t evict_page;   /* the page of that region to be looked at next */
	uint32_t evict_owner;  /* slot + 1 of the process that empties it; 0: none */
	uint32_t evict_credit; /* pages that may be moved before the next region is opened */
	uint32_t evict_keeps;  /* regions that may be kept before then */
	struct hold_ask ask[RUNTIME_ASKS];
	uint64_t mmap_threshold; /* tunable: 0 unset */
	uint64_t epoch;	 /* of the image; 0: its contents are not trusted, and nothing is stored */
	uint64_t device; /* the device that held the image when its epoch began */
	uint64_t image_inode; /* detects a copy of the image; 0: it is a block device, or on FUSE */
	/* the image has one of them, if it is no older than the segment */
	uint64_t nonce, nonce_next;
	uint64_t sweep_after_ns; /* clock_mono_ns() after which leftovers are looked for again */
	struct runtime_home home;
	pthread_mutex_t region_lock __attribute__((aligned(64)));
	pthread_mutex_t index_lock[RUNTIME_INDEX_LOCKS] __attribute__((aligned(64)));
	struct space space[REGION_LOGS];
	struct tier_state tier;
	/* which objects make system calls of their own: see code_known.c */
	uint64_t code[RUNTIME_CODE];
	/*
	 * Slot + 1 of the owner of each stats block. They lie together, because folding a dead process
	 * reads all of them: inside the blocks each would be a page fault, a third of the time that a
	 * program paid.
	 */
	uint32_t block_owner[RUNTIME_BLOCKS] __attribute__((aligned(64)));
} __attribute__((aligned(4096)));

/* Holds of regions: all of them, and those that their process releases only when it needs them no more. */
enum { HOLD_ALL, HOLD_FIRMLY, HOLD_SETS };

struct runtime {
	int fd;	      /* the segment; its description holds the lock of our slot */
	bool foreign; /* `fd` is our parent's description: no lock may be tried on it */
	/* of the segment's file: `fd` must still refer to it before it is used */
	uint64_t inode, device;
	uint64_t bytes;
	bool read_only;
	struct runtime_header *header;
	struct process_slot *slots;
	uint64_t *holds[HOLD_SETS]; /* bits, a row for each slot: see region_hold.h */
	uint32_t hold_words;	    /* words of a row */
	uint32_t hold_shift;	    /* a bit stands for 1 << hold_shift regions */
	struct stats_block *blocks;
	struct flight *flights;
	/* generations of files that were written while the cache saw it, hashed */
	uint32_t *writers;
	struct watch *watch;
	struct watch_row *watch_rows;
	struct absent_entry *absent; /* RUNTIME_ABSENT */
	struct absent_clock *clocks; /* RUNTIME_CLOCKS */
	uint64_t *ghosts;	     /* see ghost.h */
	uint8_t *visits;
	uint32_t ghost_count;
	uint32_t visits_count;
	char path[256];
};

/*
 * Open the image's segment, or make it. From success until image_close(), the image's LOCK_USERS is held
 * through image->fd. May begin a new epoch of the image. Errors: -EBUSY: the image's users have another
 * segment; -EPROTO: its layout is not ours; or what the kernel says.
 */
int runtime_attach(struct runtime *runtime, struct image *image, const char *dir,
		   enum rawcache_reason *reason);
void runtime_detach(struct runtime *runtime);

/*
 * Remove the segment of an image that is gone; the caller knows that nobody uses it. The segment of a copy
 * of the image stays if it is in use.
 */
void runtime_remove(const uint8_t uuid[16], const char *dir);

/*
 * For a user of the image while there is no other: whether the image is as young as the segment, and not an
 * older copy that was put in its place. It writes a new nonce, by which later copies are told.
 */
bool runtime_image_fits(const struct runtime *runtime, const struct image *image);
void runtime_renew(struct runtime *runtime, struct image *image);

/*
 * Open a description of our own for the lock of our slot, because locks belong to descriptions. It is
 * neither the one that was mapped (fork children share mappings, and a mapping keeps its description and
 * all its locks alive) nor, in a fork child, the parent's. Until this has succeeded, the child must not
 * touch any lock: runtime->foreign.
 */
int runtime_reopen(struct runtime *runtime);

/*
 * The image's disk lost writes that the kernel had accepted: begin a new epoch within this boot, durably,
 * so that every entry must be verified. While that fails, header->epoch is 0. 0 or -errno.
 */
int runtime_distrust(struct runtime *runtime, struct image *image);

/* Whether runtime->fd still refers to the segment and was opened by this process. */
bool runtime_fd_valid(const struct runtime *runtime);

/* Whether this segment is the one that the image's users have. */
bool runtime_is_current(const struct runtime *runtime, const struct image *image);

/*
 * Robust locks around a few stores. They must be taken with all signals held back. If the owner died, the
 * state that it left is valid (INV-8). Returns 0, or -errno if the lock is not free within LOCK_PATIENCE_MS
 * (its owner is stopped, or the segment is damaged): the caller then does without what the lock protects.
 */
int runtime_lock(pthread_mutex_t *lock);
void runtime_unlock(pthread_mutex_t *lock);

/* Returns 0: locked; -EAGAIN: another description holds the byte; or -errno. */
int runtime_lock_byte(int fd, uint64_t byte, int type);

#define LOCK_USERS (UINT64_C(1) << 62) /* behind the end of each image */
/* held by a reader without a segment; only `format` checks it */
#define LOCK_READERS (LOCK_USERS + 1)
#define LOCK_SLOT UINT64_C(1)

#endif
