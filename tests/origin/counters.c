/* SPDX-License-Identifier: MIT */
/*
 * Counters of what the kernel asked of the origin.
 *
 * All are plain atomics without ordering between them: a reader gets each
 * value current, but not one snapshot of all. A client that waits for its own
 * requests does see them whole, because they are counted before the reply.
 */
#include "counters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct gauge {
	_Atomic int64_t now;
	_Atomic int64_t max;
};

static _Atomic uint64_t requests[OP_COUNT];
static _Atomic uint64_t read_bytes;
static _Atomic uint64_t write_bytes;
static _Atomic uint64_t failed;
static _Atomic int64_t stalled;
static struct gauge in_flight;
static struct gauge read_in_flight;

static const char *const op_names[OP_COUNT] = {
#define OP(id, name, pace) name,
#include "op_tbl.h"
#undef OP
};

static void gauge_enter(struct gauge *g)
{
	int64_t now = atomic_fetch_add(&g->now, 1) + 1;
	int64_t max = atomic_load(&g->max);

	while (now > max && !atomic_compare_exchange_weak(&g->max, &max, now))
		;
}

static void gauge_leave(struct gauge *g)
{
	atomic_fetch_sub(&g->now, 1);
}

static void gauge_reset(struct gauge *g)
{
	atomic_store(&g->max, atomic_load(&g->now));
}

void counters_enter(enum op op)
{
	atomic_fetch_add(&requests[op], 1);
	gauge_enter(&in_flight);
	if (op == OP_READ)
		gauge_enter(&read_in_flight);
}

void counters_leave(enum op op)
{
	gauge_leave(&in_flight);
	if (op == OP_READ)
		gauge_leave(&read_in_flight);
}

void counters_add_read(size_t bytes)
{
	atomic_fetch_add(&read_bytes, bytes);
}

void counters_add_written(size_t bytes)
{
	atomic_fetch_add(&write_bytes, bytes);
}

void counters_add_failed(void)
{
	atomic_fetch_add(&failed, 1);
}

void counters_stalled(int delta)
{
	atomic_fetch_add(&stalled, delta);
}

void counters_reset(void)
{
	for (int op = 0; op < OP_COUNT; op++)
		atomic_store(&requests[op], 0);
	atomic_store(&read_bytes, 0);
	atomic_store(&write_bytes, 0);
	atomic_store(&failed, 0);
	gauge_reset(&in_flight);
	gauge_reset(&read_in_flight);
}

size_t counters_format(char *buf, size_t size)
{
	const struct {
		const char *name;
		int64_t value;
	} rest[] = {
		{ "read_bytes", (int64_t)atomic_load(&read_bytes) },
		{ "write_bytes", (int64_t)atomic_load(&write_bytes) },
		{ "failed", (int64_t)atomic_load(&failed) },
		{ "stalled", atomic_load(&stalled) },
		{ "in_flight", atomic_load(&in_flight.now) },
		{ "max_in_flight", atomic_load(&in_flight.max) },
		{ "read_in_flight", atomic_load(&read_in_flight.now) },
		{ "max_read_in_flight", atomic_load(&read_in_flight.max) },
		{ "pid", getpid() },
	};
	size_t len = 0;

	for (int op = 0; op < OP_COUNT; op++)
		len += (size_t)snprintf(buf + len, size - len, "%s %" PRIu64 "\n", op_names[op],
					atomic_load(&requests[op]));
	for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
		len += (size_t)snprintf(buf + len, size - len, "%s %" PRId64 "\n", rest[i].name,
					rest[i].value);
	return len;
}

const char *op_name(enum op op)
{
	return op_names[op];
}

enum op op_by_name(const char *name)
{
	int op = 0;

	while (op < OP_COUNT && strcmp(name, op_names[op]))
		op++;
	return (enum op)op;
}
