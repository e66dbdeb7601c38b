/* SPDX-License-Identifier: MIT */
/*
 * Chunks on their way from the origin into the image, in buffers of this process: read ahead
 * when a program is expected to ask for them, or read by a program and not stored yet.
 *
 *	FREE -> READING -> STORING -> OVER -> FREE
 *	        READING -> OVER -> FREE		changed, failed, or nobody has the file open any more
 *
 * While a chunk is READING or STORING, reads are served from its buffer (`users`): a program does
 * not wait for the image. With helper threads, the helper that has read a chunk checks the file's
 * attributes again and hands the chunk to the thread that stores. Chunks that other backends read,
 * and chunks for which no thread could be made, are stored by the next read of the same file, because
 * that check needs a descriptor. When the program closes the file, chunks that are not STORING yet
 * are dropped.
 *
 * Small files are stored many at a time: the storing thread waits for a moment, until there are
 * several, or until a thread waits for them. Closing a file does not wait; a program that ends or
 * executes another one does, and so does a mapping, which needs the bytes in the image.
 *
 * Locks: fetches.lock, inside a critical section; nests outside the files lock, the backend's and
 * the memory pool's.
 */
#ifndef CORE_FETCH_H
#define CORE_FETCH_H

#include "core/space/extent.h"
#include "core/origin/file.h"
#include "core/shared/flight.h"
#include "core/origin/io.h"
#include "core/space/space.h"
#include "core/tier/tier.h"

struct fetch {
	struct io_request request;
	struct rawcache *cache;
	struct file *file;
	struct key key;
	struct claim claim;
	struct extent_piece name; /* behind the chunk's own pages, stored together with it */
	uint64_t chunk; /* or a number that no chunk has: then these are `parts` of one, */
	struct key parts[EXTENT_PIECES]; /* with these keys, */
	uint32_t piece;			 /* of this many bytes each; 0: it is a chunk */
	struct io_request look;		 /* the request that asks its server */
	uint64_t arrived;		 /* when its bytes had arrived: clock_mono_ns() */
	struct tier_ask ask;
	struct io_request rival; /* what the tier has while the origin is read */
	struct pool_job share;
	bool shared;	/* it was handed to the thread that puts it into the tier */
	bool confirmed; /* the server was asked afterwards, and the file was unchanged */
	bool looking;	/* `look` is under way */
	bool waiting; /* stored when the server has confirmed it: of all that are being stored, those only */
	bool ordered;	  /* a chunk of a file that is read in order */
	uint64_t started; /* clock_mono_ns() */
	uint32_t state;
	uint32_t users; /* reads that copy from the buffer, and the helper that reads into it */
	bool counted;	/* its bytes are in the statistics */
	bool small;	/* stored together with others of its kind */
};

enum fetch_result { FETCH_STARTED, FETCH_CACHED, FETCH_FULL };

/*
 * Begin to read a chunk, unless it is stored or being fetched already. `ordered`: its neighbours are read
 * too. The caller holds a reference of `file`.
 */
enum fetch_result fetch_start(struct rawcache *cache, struct file *file, int fd, uint64_t chunk,
			      bool ordered);

/*
 * The same for a chunk that a program waits for: it is read next, and its fetch is used at once, as by fetch_take().
 * `*fetch` stays as it is unless FETCH_STARTED is returned, and even then if the fetch was OVER.
 */
enum fetch_result fetch_start_now(struct rawcache *cache, struct file *file, int fd, uint64_t chunk,
				  const struct key *key, bool ordered, struct fetch **fetch);

/*
 * Use the fetch of the chunk, or of parts of it with the file's bytes [from, to); NULL: there is none. Its
 * request may still be under way. Owes a fetch_put(). Each thread may use one at a time.
 */
struct fetch *fetch_take(struct file *file, uint64_t chunk, uint64_t from, uint64_t to);
void fetch_put(struct fetch *fetch);

/* For a user of the fetch, after its request has ended: whether the caller must store it. */
bool fetch_claim(struct fetch *fetch);

/* Use a chunk of `file` that has arrived and that the caller must store; or NULL. */
struct fetch *fetch_take_done(struct file *file);

/* Use a chunk that waits for a storing thread and that the caller must store; or NULL. */
struct fetch *fetch_take_waiting(void);

/* For the thread that must store it: store it if it is complete, else give it up. */
void fetch_store(struct fetch *fetch);
void fetch_give_up(struct fetch *fetch);

/*
 * The bytes are not what the file has now: nobody may store them any more; a store under way is not
 * stopped.
 */
void fetch_reject(struct fetch *fetch);

/*
 * Let another thread store a chunk that was read. `whole` has the request as it ended, the cache, the chunk
 * and its key, its start time, and its claim. Takes over the buffer and the claim. False: no thread can
 * store it now, and both still belong to the caller.
 */
bool fetch_adopt(struct file *file, const struct fetch *whole);

/*
 * Wait for stores of `file` (NULL: of all files), at most SETTLE_MS, and not again soon if that was in
 * vain. Without `small`, chunks that are stored together with others are not waited for. Needs no reference
 * of the file.
 */
void fetch_settle(const struct file *file, bool small);

/* Call when nobody has the file open any more. */
void fetch_drop(struct file *file);

/* Drop all fetches of a cache that is being detached; waits for reads and stores to end. */
void fetch_drop_all(struct rawcache *cache);

void fetch_fork_prepare(void);
void fetch_fork_parent(void);
void fetch_fork_child(void);

/* The stream of a chunk in a file that is read in order. */
static inline struct space_stream file_stream(const struct file *file, uint64_t chunk)
{
	return (struct space_stream){ file->key.low | 1, chunk,
				      (file->size + FORMAT_PAGE - 1) >> FORMAT_PAGE_SHIFT };
}

#endif
