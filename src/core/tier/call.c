/* SPDX-License-Identifier: MIT */
/* The calls of link.h: their memory, and those that are parked. */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/tier/link.h"

#define KEPT 32							     /* 8 MiB of memory */
#define CALLS_MAX ((32u << 20) / (uint32_t)sizeof(struct link_call)) /* 32 MiB of memory */

/* Free calls, kept warm: taken and given back by exchange, without a lock. */
static struct link_call *kept[KEPT];
static struct link_call *parked, **parked_end = &parked; /* used by the helper only */
static uint32_t calls;					 /* how many exist */
static uint32_t numbers;

static struct link_call *call_kept(void)
{
	for (int i = 0; i < KEPT; i++) {
		struct link_call *call = load_relaxed(&kept[i]);

		if (call && cas(&kept[i], &call, NULL))
			return call;
	}
	return NULL;
}

/* A number for a command: never 0. */
static uint32_t link_number(void)
{
	return fetch_add(&numbers, 1) % 999999999u + 1;
}

struct link_call *link_call_new(uint32_t server)
{
	struct link_call *call = NULL;

	if (fetch_add(&calls, 1) < CALLS_MAX) {
		call = call_kept();
		call = call ? call : memory_map(sizeof(*call));
	}
	if (!call) {
		fetch_sub(&calls, 1);
		return NULL;
	}
	memset(call, 0, offsetof(struct link_call, data));
	call->server = server;
	call->opaque = link_number();
	return call;
}

void link_call_free(struct link_call *call)
{
	/* a fork child begins at zero, and may have a call that a thread of its parent was freeing */
	if (load_relaxed(&calls))
		fetch_sub(&calls, 1);
	for (int i = 0; i < KEPT; i++) {
		struct link_call *none = NULL;

		if (!load_relaxed(&kept[i]) && cas(&kept[i], &none, call))
			return;
	}
	memory_unmap(call, sizeof(*call));
}

void link_calls_trim(void)
{
	struct link_call *call;

	while ((call = call_kept()))
		memory_unmap(call, sizeof(*call));
}

void link_calls_forget(void)
{
	store_relaxed(&calls, 0);
}

void link_park(struct link_call *call)
{
	call->next = NULL;
	*parked_end = call;
	parked_end = &call->next;
}

void link_again(struct link_call *call, uint64_t at)
{
	call->at = at;
	link_park(call);
}

struct link_call *link_parked_take(void)
{
	struct link_call *first = parked;

	parked = NULL;
	parked_end = &parked;
	return first;
}

bool link_parked(void)
{
	return parked;
}

void link_settle(uint64_t ns)
{
	const struct timespec nap = { .tv_nsec = 200000 };
	uint64_t end = clock_mono_ns() + ns;

	while (load_acquire(&calls) && clock_mono_ns() < end)
		sys_nanosleep(&nap);
}
