/* SPDX-License-Identifier: MIT */
/*
 * How long one thread or process waits for another: for what, why that long, and what happens then.
 * Intervals between two looks, and times after which something idle ends, stand where they are used.
 *
 * A program must not notice that a process beside it is stopped, or that a server does not answer, except
 * for one short wait. So most waits end with "nobody waits again for a while".
 */
#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

/* --- processes that share an image */

/*
 * A thread whose open needs the cache waits for another thread of its process that attaches: longer than
 * ATTACH_PATIENCE_MS, because an image may lie on a busy disk. Then: that file is not cached. A failed
 * attachment is tried again at the first open after ATTACH_RETRY_MS: an administrator may have removed the
 * reason.
 */
#define ATTACH_WAIT_MS 3000u
#define ATTACH_RETRY_MS 5000u

/*
 * A process that attaches waits for another one that is between two states of the segment. To make a
 * segment takes milliseconds. Then: -EBUSY, and the program runs without the cache.
 */
#define ATTACH_PATIENCE_MS 1000u

/*
 * A thread waits for a robust lock of the segment. Its owner makes a few stores, in microseconds, or is
 * stopped. Then: the caller does without, and for LOCK_IMPATIENCE_MS no thread of the process waits for any
 * lock: otherwise each read would pay. The thread spins first, then naps ever longer.
 */
#ifndef LOCK_PATIENCE_MS /* the model of tests/ has a slower clock */
#define LOCK_PATIENCE_MS 100u
#endif
#define LOCK_IMPATIENCE_MS 1000u
#define LOCK_SPINS 50
#define LOCK_NAP_NS 20000
#define LOCK_NAP_MAX_NS 1000000

/*
 * A thread that takes a hold waits for one of its process that releases the last one: a few instructions,
 * or a turn of the processor. Then: -EAGAIN, as when no more can be held.
 */
#define HOLD_SPINS 64
#define HOLD_NAPS 50
#define HOLD_NAP_NS 100000

/*
 * A reader waits for the process that fetches its chunk. A read of a slow origin takes a second. Then: it
 * reads the origin itself, and nobody waits for that process until it takes its next step.
 */
#define FLIGHT_PATIENCE_MS 2000u
/*
 * The same for a chunk that is read ahead: its owner may come back to it at once, or never. Then: the
 * flight is taken over. An owner that did not come back has more chunks: for FLIGHT_AHEAD_MEMORY_MS each of
 * its chunks is waited for at most FLIGHT_AHEAD_AGAIN_MS.
 */
#define FLIGHT_AHEAD_MS 100u
#define FLIGHT_AHEAD_AGAIN_MS 4u
#define FLIGHT_AHEAD_MEMORY_MS 1000u

/*
 * A program that changes a file waits for the watchers of processes that map it. A watcher sleeps in a
 * futex and needs one turn of a processor; only a stopped one takes this long. Then: the change goes on,
 * and nobody waits for that process again until it answers. Every WATCH_ANSWER_MS the waiter checks whether
 * a process that does not answer is dead.
 */
#define WATCH_PATIENCE_MS 1000u

/*
 * A recycler does not wait for watchers that shall release a region. For this long it asks nobody again for
 * that region, and nobody maps it anew.
 */
#define ASK_MS 1000u
#define WATCH_ANSWER_MS 10u

/* --- space in the image */

/*
 * A store waits for a clean region: 50 looks, a millisecond apart; holds of one call end in that time.
 * Then: nothing is stored, and for REGION_VAIN_MS no miss of the process waits.
 */
#define REGION_WAIT_TRIES 50
#define REGION_VAIN_MS 1000u

/*
 * A store waits for the process that empties a region: looks a millisecond apart. Then: regions are
 * recycled and nothing is moved.
 */
#define EVICT_WAIT_TRIES 40u

/*
 * A store of a chunk in order waits for the process that makes its run: looks a millisecond apart. Then: it
 * makes another run.
 */
#define RUN_WAITS_MAX 60u
#define RUN_WAIT_NS 1000000

/* --- threads of this process */

/*
 * A program that ends, or maps what it has just read, waits for stores under way. A disk takes a second at
 * worst. Then: it goes on, and for SETTLE_IMPATIENT_MS nobody in the process waits for stores.
 */
#define SETTLE_MS 2000u
#define SETTLE_IMPATIENT_MS 10000u

/*
 * A program that calls unshare() or the like waits for helper threads to end: one may be in a read of a
 * mount that stalls. Then: the call is made all the same, and the kernel's answer is returned.
 */
#define POOL_LEAVE_MS 1000u
/*
 * A program that makes a call which requires a single-threaded process (unshare(), a seccomp filter for all
 * threads) waits for helpers: an idle helper ends within half a second. This many looks, this far apart.
 * Then: the call is made all the same.
 */
#define HELPERS_END_TRIES 200
#define HELPERS_END_NAP_NS 5000000
/*
 * And this many looks after the last helper has ended as far as we can see: the kernel counts it a little longer.
 */
#define HELPERS_GONE_TRIES 10
/* A program that forks waits for helpers to end, not longer than this; they are made anew afterwards. */
#define POOL_ASIDE_MS 200u

/*
 * A thread that attaches or detaches waits for threads that are counting in the earlier block: a few
 * instructions. One may never come back, because its own signal handler is the one that detaches. Then: it
 * goes on.
 */
#define STATS_USERS_MS 100u

/*
 * A program that closes a file waits for helpers to close their descriptors of it: it may unmount next.
 * Then: it goes on.
 */
#define ORIGIN_CLOSE_MS 100u

/*
 * A program that unmaps a file or ends waits for the follower's last round: a share of the time for which
 * the file was mapped, so that a short program is not made long, within these bounds. Then: what is not
 * stored yet is not stored.
 */
#define FOLLOW_FINISH_SHARE 4u
#define FOLLOW_FINISH_MIN_MS 100u
#define FOLLOW_FINISH_MAX_MS 2000u

/*
 * A program that maps a partly cached file waits for the follower to take its descriptor. Then: nothing is
 * followed.
 */
#define FOLLOW_TAKE_MS 1000u
/*
 * A program that unmaps such a file waits for the follower to close its descriptor: it may unmount the file
 * system next. Then: it goes on.
 */
#define FOLLOW_CLOSE_MS 100u

/*
 * A thread that forks waits for those that look at the loader's list, whose lock would stay taken in the child;
 * those that want to look wait for it. A look takes microseconds; but either may have the lock that the other one
 * waits for. So many naps. Then: the program forks, and the look is put off to the next call.
 */
#define LOADER_NAPS 100
#define LOADER_NAP_NS 1000000

/*
 * A program that takes a record lock waits for threads that close a file of ours, which would end the lock: one to four
 * calls, of which only close() may wait, for a server. So many naps. Then: it takes the lock.
 */
#define LOCKS_NAPS 1000
#define LOCKS_NAP_NS 20000

/* mmap() of a file that is not cached fetches for this long; the rest stays mapped from the origin. */
#define MAP_FETCH_MS 1000u

/*
 * --- elsewhere
 *
 * The tier's waits stand in core/tier: breaker.h, question.c and connection.c derive them from what its servers and
 * the mount took before; tier.c, proof.c and derive.c have those for its helper, for bytes to be sent, for a thread
 * that compares, and for one that makes a name. A program whose file a helper is opening already waits for a
 * second, until the file would be too old to be used (opens_ahead.c). Then: it opens the file itself.
 *
 * Some waits have no end, because the waiter cannot go on without. rawcache_detach(), and a follower that ends,
 * wait for reads and stores that use the cache's memory (fetch.c, map_follow.c, watcher.c). A read waits for the
 * helper that reads its chunk or opens its file, as it would wait for the origin itself (io.c, origin_fds.c,
 * fill_background.c). A call that moves or closes a descriptor waits for a few instructions of another thread in
 * the busy state of its position (position.h).
 */

#endif
