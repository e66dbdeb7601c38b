/* SPDX-License-Identifier: MIT */
/* Requests for objects, made up, and what policies that know each object make of them. */
#ifndef TESTS_BENCH_TRACE_H
#define TESTS_BENCH_TRACE_H

#include <stddef.h>
#include <stdint.h>

struct trace {
	uint32_t *request; /* objects */
	size_t count;
	size_t skip;	/* requests at the begin that are not counted */
	uint32_t *size; /* of each object, in bytes */
	uint32_t objects;
};

/* Of those that are counted, in bytes. */
struct ratio {
	uint64_t asked, hit;
};

/*
 * zipf: 20,000 objects of 4 to 256 KiB (2.65 GB), Zipf 0.9, in the middle all of them once, in order.
 * loop: objects of half as much again as the cache, one after the other, again and again.
 * moving: half of the cache's size is asked for at random, eight times more often than the rest
 * of 4 caches; one object of it is replaced every 20 requests.
 * NULL: there is no such shape. The caller passes it to trace_free().
 */
struct trace *trace_make(const char *shape, uint64_t cache_bytes, uint32_t requests);
void trace_free(struct trace *trace);

void ratio_count(const struct trace *trace, struct ratio *ratio, size_t at, int hit);

/* Policies of whole objects in `bytes` of memory, without any waste. */
struct ratio policy_lru(const struct trace *trace, uint64_t bytes);
struct ratio policy_s3fifo(const struct trace *trace, uint64_t bytes);
struct ratio policy_belady(const struct trace *trace, uint64_t bytes);

#endif
