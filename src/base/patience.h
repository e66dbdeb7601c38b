/* SPDX-License-Identifier: MIT */
/*
 * How long somebody waits for somebody else: for what, why so long, and what happens then. Times between two
 * looks, and times after which something idle ends, stand where they are used.
 *
 * A program must not notice that a process beside it is stopped, nor that a server does not answer, but for one
 * short wait: so most of these end with "nobody waits again for a while".
 */
#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

/* --- processes that share an image */

/*
 * A thread whose open needs the cache, for another thread of its process that attaches: see
 * ATTACH_PATIENCE_MS, and an image may lie on a busy disk. Then: that file is not cached. A failed attachment
 * is tried again at the first open after ATTACH_RETRY_MS: an administrator may have cured the reason.
 */
#define ATTACH_WAIT_MS 3000u
#define ATTACH_RETRY_MS 5000u

/*
 * A process that attaches, for another one between two states of the segment. To make one takes milliseconds.
 * Then: -EBUSY, and the program runs without the cache.
 */
#define ATTACH_PATIENCE_MS 1000u

/*
 * A thread, for a robust lock of the segment. Its owner makes a few stores, in microseconds, or is stopped. Then:
 * the caller does without, and for LOCK_IMPATIENCE_MS no thread of the process waits for any lock: each read
 * would pay. The lock is spun for first, then looked at after naps that grow.
 */
#ifndef LOCK_PATIENCE_MS /* the model of tests/ has a slower clock */
#define LOCK_PATIENCE_MS 100u
#endif
#define LOCK_IMPATIENCE_MS 1000u
#define LOCK_SPINS 50
#define LOCK_NAP_NS 20000
#define LOCK_NAP_MAX_NS 1000000

/*
 * A thread that takes a hold, for one of its process that gives the last one up: a few instructions, or a turn of
 * the processor. Then: -EAGAIN, as where no more can be held.
 */
#define HOLD_SPINS 64
#define HOLD_NAPS 50
#define HOLD_NAP_NS 100000

/*
 * A reader, for the process that fetches its chunk. A read of a slow origin takes a second. Then: it reads the
 * origin itself, and nobody waits for that process until it takes its next step.
 */
#define FLIGHT_PATIENCE_MS 2000u
/*
 * The same for a chunk that is read ahead: its owner may come back to it at once, or never. Then: the flight is
 * taken over. One that did not come back has more chunks: for FLIGHT_AHEAD_MEMORY_MS they are waited for no longer
 * than FLIGHT_AHEAD_AGAIN_MS each.
 */
#define FLIGHT_AHEAD_MS 100u
#define FLIGHT_AHEAD_AGAIN_MS 4u
#define FLIGHT_AHEAD_MEMORY_MS 1000u

/*
 * A program that changes a file, for watchers of processes which map it. A watcher sleeps in a futex, and needs one
 * turn of a processor: so long only a stopped one takes. Then: the change goes on, and that process is not waited
 * for again until it answers. Every WATCH_ANSWER_MS the waiter checks whether a process that does not answer is dead.
 */
#define WATCH_PATIENCE_MS 1000u

/*
 * Who recycles, for watchers that shall let go of a region: not at all. For so long it asks nobody again for that
 * one, and nobody maps it anew.
 */
#define ASK_MS 1000u
#define WATCH_ANSWER_MS 10u

/* --- space in the image */

/*
 * A store, for a clean region: 50 looks, a millisecond apart; holds of a call end in that time. Then: nothing is
 * stored, and for REGION_VAIN_MS no miss of the process waits.
 */
#define REGION_WAIT_TRIES 50
#define REGION_VAIN_MS 1000u

/* A store, for the process that empties a region: a millisecond each. Then: regions are recycled with nothing moved. */
#define EVICT_WAIT_TRIES 40u

/* A store of a chunk in order, for the process that makes its run, a millisecond each. Then: it makes another. */
#define RUN_WAITS_MAX 60u
#define RUN_WAIT_NS 1000000

/* --- threads of this process */

/*
 * A program that ends, or maps what it has just read, for what is being stored. A disk takes a second at worst.
 * Then: it goes on, and for SETTLE_IMPATIENT_MS nobody in the process waits for that.
 */
#define SETTLE_MS 2000u
#define SETTLE_IMPATIENT_MS 10000u

/*
 * A program that calls unshare() or the like, for helper threads to end: one may be in a read of a mount that stalls.
 * Then: the call is made all the same, and fails as the kernel answers.
 */
#define POOL_LEAVE_MS 1000u
/*
 * A program that calls what needs a process of one thread (unshare(), a seccomp filter for all threads), for
 * the same: an idle helper ends within half a second. So many looks, so far apart. Then: the call is made all
 * the same.
 */
#define HELPERS_END_TRIES 200
#define HELPERS_END_NAP_NS 5000000
/* A program that forks, for the same: it does not wait longer, and the helpers are made anew. */
#define POOL_ASIDE_MS 200u

/*
 * A thread that attaches or detaches, for threads that are counting in the place of before: a few
 * instructions. One may never come back, because its own signal handler is the one that detaches. Then: it
 * goes on.
 */
#define STATS_USERS_MS 100u

/* A program that closes a file, for helpers to close theirs: who closes may unmount next. Then: it goes on. */
#define ORIGIN_CLOSE_MS 100u

/*
 * A program that unmaps a file or ends, for the follower's last round: a part of the time that the file was
 * mapped, so that a short program is not made long, and within these bounds. Then: what is not stored yet is
 * not.
 */
#define FOLLOW_FINISH_SHARE 4u
#define FOLLOW_FINISH_MIN_MS 100u
#define FOLLOW_FINISH_MAX_MS 2000u

/* A program that maps what is cached in part: for the follower to take its descriptor; then nothing is followed. */
#define FOLLOW_TAKE_MS 1000u
/* A program that unmaps that, for the follower to close it: who unmaps may unmount next. Then: it goes on. */
#define FOLLOW_CLOSE_MS 100u

/* mmap() of what is not cached: for so long it is fetched; the rest stays the origin's. */
#define MAP_FETCH_MS 1000u

#endif
