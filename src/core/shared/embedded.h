/* SPDX-License-Identifier: MIT */
/*
 * Fields that rooms above keep in struct rawcache: plain data. `copy_policy_costs` belongs to the read room
 * (copy_policy.h), `maps` to the zerocopy room (map_table.h); no other room reads or writes them.
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
	uint64_t ticks, ns_start; /* both clocks at the time of attaching */
};

struct map_piece;
struct shown;

/* Files whose last mapping has just ended: enough for a program that maps a few again and again. */
#define MAPS_LEFT 16u

/* How many of the last replaced pages are remembered. */
#define MAPS_REPLACED 1024u

struct maps {
	pthread_mutex_t lock;	 /* in a critical section */
	uintptr_t low, high;	 /* all pieces lie between them; the range only grows */
	struct map_piece *root;	 /* of the pieces: see piece_tree.h */
	uint64_t serials, ranks; /* how many serials and ranks were given to pieces */
	struct shown *shown;	 /* the files that the pieces belong to */
	/* those that have just lost their last piece, by inode: see shown.c */
	struct shown *shown_left[MAPS_LEFT];
	int32_t room;	 /* how many more pieces there may be */
	uint32_t hiding; /* threads in maps_lock_all() */
	uint32_t replaced_next;
	struct {
		uintptr_t start, end;
	} replaced[MAPS_REPLACED]; /* end 0: none */
};

#endif
