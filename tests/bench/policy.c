/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "trace.h"

#define NONE UINT32_MAX
#define FREQUENCY_MAX 3
#define SMALL_SHARE 10

enum { OUT, SMALL, MAIN, GHOST, QUEUES };

/* Queues of objects as doubly linked lists: [0] is the next to go. */
struct queues {
	const struct trace *trace;
	uint32_t *next, *before;
	uint8_t *where, *frequency;
	uint32_t first[QUEUES], last[QUEUES];
	uint64_t bytes[QUEUES];
};

static void queues_init(struct queues *q, const struct trace *trace)
{
	q->trace = trace;
	q->next = malloc(trace->objects * sizeof(*q->next));
	q->before = malloc(trace->objects * sizeof(*q->before));
	q->where = calloc(trace->objects, 1);
	q->frequency = calloc(trace->objects, 1);
	memset(q->bytes, 0, sizeof(q->bytes));
	for (int i = 0; i < QUEUES; i++)
		q->first[i] = q->last[i] = NONE;
}

static void queues_fini(struct queues *q)
{
	free(q->next);
	free(q->before);
	free(q->where);
	free(q->frequency);
}

static void queue_remove(struct queues *q, uint32_t object)
{
	uint8_t where = q->where[object];

	if (where == OUT)
		return;
	*(q->before[object] == NONE ? &q->first[where] :
				      &q->next[q->before[object]]) = q->next[object];
	*(q->next[object] == NONE ? &q->last[where] :
				    &q->before[q->next[object]]) = q->before[object];
	q->bytes[where] -= q->trace->size[object];
	q->where[object] = OUT;
}

static void queue_add(struct queues *q, uint8_t where, uint32_t object)
{
	queue_remove(q, object);
	q->next[object] = NONE;
	q->before[object] = q->last[where];
	*(q->last[where] == NONE ? &q->first[where] : &q->next[q->last[where]]) = object;
	q->last[where] = object;
	q->where[object] = where;
	q->bytes[where] += q->trace->size[object];
}

struct ratio policy_lru(const struct trace *trace, uint64_t bytes)
{
	struct ratio ratio = { 0 };
	struct queues q;

	queues_init(&q, trace);
	for (size_t i = 0; i < trace->count; i++) {
		uint32_t object = trace->request[i];

		ratio_count(trace, &ratio, i, q.where[object] == MAIN);
		queue_add(&q, MAIN, object);
		while (q.bytes[MAIN] > bytes)
			queue_remove(&q, q.first[MAIN]);
	}
	queues_fini(&q);
	return ratio;
}

static void s3fifo_evict(struct queues *q, uint64_t bytes)
{
	uint32_t object;

	if (q->bytes[SMALL] > bytes / SMALL_SHARE || q->first[MAIN] == NONE) {
		object = q->first[SMALL];
		queue_add(q, q->frequency[object] ? MAIN : GHOST, object);
		q->frequency[object] = 0;
	} else {
		object = q->first[MAIN];
		if (q->frequency[object]) {
			q->frequency[object]--;
			queue_add(q, MAIN, object);
		} else {
			queue_remove(q, object);
		}
	}
	while (q->bytes[GHOST] > bytes)
		queue_remove(q, q->first[GHOST]);
}

struct ratio policy_s3fifo(const struct trace *trace, uint64_t bytes)
{
	struct ratio ratio = { 0 };
	struct queues q;

	queues_init(&q, trace);
	for (size_t i = 0; i < trace->count; i++) {
		uint32_t object = trace->request[i];
		bool hit = q.where[object] == SMALL || q.where[object] == MAIN;

		ratio_count(trace, &ratio, i, hit);
		if (hit) {
			q.frequency[object] += q.frequency[object] < FREQUENCY_MAX;
			continue;
		}
		queue_add(&q, q.where[object] == GHOST ? MAIN : SMALL, object);
		while (q.bytes[SMALL] + q.bytes[MAIN] > bytes)
			s3fifo_evict(&q, bytes);
	}
	queues_fini(&q);
	return ratio;
}

/* --- Belady: what is asked for last of all goes first */

struct heap {
	size_t *when; /* the next request for the object, or one that has passed by now */
	uint32_t *object;
	size_t count;
};

static void heap_swap(struct heap *h, size_t a, size_t b)
{
	size_t when = h->when[a];
	uint32_t object = h->object[a];

	h->when[a] = h->when[b];
	h->object[a] = h->object[b];
	h->when[b] = when;
	h->object[b] = object;
}

static void heap_add(struct heap *h, size_t when, uint32_t object)
{
	size_t i = h->count++;

	h->when[i] = when;
	h->object[i] = object;
	for (; i && h->when[(i - 1) / 2] < h->when[i]; i = (i - 1) / 2)
		heap_swap(h, i, (i - 1) / 2);
}

static void heap_pop(struct heap *h)
{
	heap_swap(h, 0, --h->count);
	for (size_t i = 0;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < h->count && h->when[child + 1] > h->when[child])
			child++;
		if (child >= h->count || h->when[child] <= h->when[i])
			return;
		heap_swap(h, i, child);
		i = child;
	}
}

/* For each request the next one for the same object; trace->count + 1: none. */
static size_t *next_uses(const struct trace *trace)
{
	size_t *next = malloc(trace->count * sizeof(*next));
	size_t *seen = malloc(trace->objects * sizeof(*seen));

	for (uint32_t i = 0; i < trace->objects; i++)
		seen[i] = trace->count + 1;
	for (size_t i = trace->count; i-- > 0;) {
		next[i] = seen[trace->request[i]];
		seen[trace->request[i]] = i;
	}
	free(seen);
	return next;
}

struct ratio policy_belady(const struct trace *trace, uint64_t bytes)
{
	struct heap heap = { .when = malloc(trace->count * sizeof(size_t)),
			     .object = malloc(trace->count * sizeof(uint32_t)) };
	size_t *next = next_uses(trace);
	size_t *due = calloc(trace->objects, sizeof(*due)); /* 0: it is not there */
	struct ratio ratio = { 0 };
	uint64_t used = 0;

	for (size_t i = 0; i < trace->count; i++) {
		uint32_t object = trace->request[i];

		ratio_count(trace, &ratio, i, due[object] != 0);
		used += due[object] ? 0 : trace->size[object];
		due[object] = next[i];
		heap_add(&heap, next[i], object);
		while (used > bytes) {
			uint32_t last = heap.object[0];

			if (due[last] == heap.when[0]) {
				due[last] = 0;
				used -= trace->size[last];
			}
			heap_pop(&heap);
		}
	}
	free(heap.when);
	free(heap.object);
	free(next);
	free(due);
	return ratio;
}
