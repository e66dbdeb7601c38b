/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define SIZE_MIN 4096u
#define SIZE_MAX_ 262144u
#define ZIPF_OBJECTS 20000u
#define ZIPF_EXPONENT 0.9
#define SKIP 50000u
#define MOVE_EVERY 20u

static double unit_random(uint64_t *state)
{
	return (double)(bench_random(state) >> 11) / 9007199254740992.0;
}

static uint32_t object_size(uint32_t object)
{
	uint64_t state = (object + 1) * UINT64_C(0x9e3779b97f4a7c15);

	bench_random(&state);
	return SIZE_MIN + (uint32_t)(bench_random(&state) % (SIZE_MAX_ - SIZE_MIN));
}

/* So many objects from the first on as have these bytes. */
static uint32_t objects_of(uint64_t bytes)
{
	uint32_t n = 0;

	for (uint64_t sum = 0; sum < bytes; n++)
		sum += object_size(n);
	return n;
}

static void zipf_make(struct trace *trace)
{
	double *sum = malloc(ZIPF_OBJECTS * sizeof(*sum));
	uint64_t state = 88172645463325252u;
	size_t middle = trace->count / 2;
	double all = 0;

	for (uint32_t i = 0; i < ZIPF_OBJECTS; i++)
		sum[i] = all += pow(i + 1, -ZIPF_EXPONENT);
	for (size_t r = 0; r < trace->count; r++) {
		double x = unit_random(&state) * all;
		uint32_t low = 0;

		for (uint32_t high = ZIPF_OBJECTS - 1; low < high;) {
			uint32_t half = (low + high) / 2;

			if (sum[half] < x)
				low = half + 1;
			else
				high = half;
		}
		/* ranks and sizes have nothing to do with each other */
		trace->request[r] = r >= middle && r - middle < ZIPF_OBJECTS ?
					    (uint32_t)(r - middle) :
					    low;
	}
	free(sum);
	trace->objects = ZIPF_OBJECTS;
}

static void loop_make(struct trace *trace, uint64_t cache_bytes)
{
	trace->objects = objects_of(cache_bytes * 3 / 2);
	for (size_t r = 0; r < trace->count; r++)
		trace->request[r] = (uint32_t)(r % trace->objects);
}

static void moving_make(struct trace *trace, uint64_t cache_bytes)
{
	uint64_t state = 362436069362436069u;
	uint32_t hot = objects_of(cache_bytes / 2);

	trace->objects = objects_of(cache_bytes * 4);
	for (size_t r = 0; r < trace->count; r++) {
		uint32_t first = (uint32_t)(r / MOVE_EVERY);
		uint32_t any = (uint32_t)(bench_random(&state) >> 32);

		if (bench_random(&state) >> 32 & 7)
			any = first + any % hot;
		trace->request[r] = any % trace->objects;
	}
}

struct trace *trace_make(const char *shape, uint64_t cache_bytes, uint32_t requests)
{
	struct trace *trace = calloc(1, sizeof(*trace));

	trace->count = requests;
	trace->skip = requests > 2 * SKIP ? SKIP : requests / 4;
	trace->request = calloc(requests, sizeof(*trace->request));
	if (!strcmp(shape, "zipf")) {
		zipf_make(trace);
	} else if (!strcmp(shape, "loop")) {
		loop_make(trace, cache_bytes);
	} else if (!strcmp(shape, "moving")) {
		moving_make(trace, cache_bytes);
	} else {
		trace_free(trace);
		return NULL;
	}
	trace->size = calloc(trace->objects, sizeof(*trace->size));
	for (uint32_t i = 0; i < trace->objects; i++)
		trace->size[i] = object_size(i);
	return trace;
}

void trace_free(struct trace *trace)
{
	free(trace->request);
	free(trace->size);
	free(trace);
}

void ratio_count(const struct trace *trace, struct ratio *ratio, size_t at, int hit)
{
	uint32_t size = trace->size[trace->request[at]];

	if (at < trace->skip)
		return;
	ratio->asked += size;
	ratio->hit += hit ? size : 0;
}
