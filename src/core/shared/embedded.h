/* SPDX-License-Identifier: MIT */
/*
 * What rooms above keep in struct rawcache: plain data. `copy_policy_costs` is the read room's (copy_policy.h), `maps`
 * the zerocopy room's (map_table.h); nobody else reads or writes them.
 */
#ifndef CORE_EMBEDDED_H
#define CORE_EMBEDDED_H

#include <pthread.h>
#include <stdint.h>

#define COPY_CLASSES 10 /* below 1 KiB, 2 KiB, ... 512 KiB */

struct copy_policy_costs {
	uint32_t ns[2][COPY_CLASSES]; /* moving averages; 0: not known yet */
	uint32_t turn;
	uint32_t ticks_per_us;	  /* of clock_ticks(); 0: not known yet */
	uint64_t ticks, ns_start; /* both clocks at the attachment */
};

struct map_piece;
struct shown;

/* How many of the pages that were replaced last are known. */
#define MAPS_REPLACED 1024u

struct maps {
	pthread_mutex_t lock;	 /* a leaf, in a critical section */
	uintptr_t low, high;	 /* all pieces lie in between; grows only */
	struct map_piece *root;	 /* of the pieces: see piece_tree.h */
	uint64_t serials, ranks; /* how many pieces were given one */
	struct shown *shown;	 /* the files of the pieces */
	int32_t room;		 /* for more pieces */
	uint32_t hiding;	 /* threads in maps_lock_all() */
	uint32_t replaced_next;
	struct {
		uintptr_t start, end;
	} replaced[MAPS_REPLACED]; /* end 0: none */
};

#endif
