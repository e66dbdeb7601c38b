/* SPDX-License-Identifier: MIT */
/*
 * Chunks that this process reads ahead: started when a program is expected to ask for them,
 * finished by the read that does ask, or by the next one of that file that passes by.
 *
 *	FREE -> READING -> TAKEN -> FREE	fetch_take(): somebody delivers and stores it
 *	        READING -> ORPHAN -> FREE	nobody will: the buffer waits for its read to end
 *
 * Nothing is stored without a last look at the file's attributes, and that needs a descriptor:
 * so what was not asked for before the program closes the file is dropped.
 *
 * Locks: fetch_lock, inside a critical section; nests outside the files lock, the backend's and
 * the memory pool's.
 */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include "core/file.h"
#include "core/flight.h"
#include "core/io.h"

struct fetch {
	struct io_request request;
	struct rawcache *cache;
	struct file *file;
	struct key key;
	struct claim claim;
	uint64_t chunk;
	uint64_t started; /* clock_mono_ns() */
	uint32_t state;
};

enum fetch_result { FETCH_STARTED, FETCH_CACHED, FETCH_FULL };

/* Begin to read a chunk, if nobody has it and nobody else does so. The caller holds `file`. */
enum fetch_result fetch_start(struct rawcache *cache, struct file *file, int fd, uint64_t chunk);

/* Take the chunk if it is being read ahead, or NULL. Its request may be under way still. */
struct fetch *fetch_take(struct file *file, uint64_t chunk);

/* Take a chunk of `file` that is complete, or NULL. */
struct fetch *fetch_take_done(struct file *file);

/* Give up what was taken: ends its flight. The buffer is the table's again. */
void fetch_end(struct fetch *fetch);

/* Nobody has the file open any more. */
void fetch_drop(struct file *file);

/* All of a cache that goes away; waits for the reads to end. */
void fetch_drop_all(struct rawcache *cache);

void fetch_fork_prepare(void);
void fetch_fork_parent(void);
void fetch_fork_child(void);

#endif
