/* SPDX-License-Identifier: MIT */
#include "core/tier/link.h"

#include <errno.h>
#include <linux/close_range.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/sys.h"
#include "core/tier/connection.h"
#include "core/tier/socket.h"

/*
 * The helper cannot be woken from poll(): other threads have other descriptors. So it looks for calls this
 * often.
 */
#define POLL_NS 200000
/* As many as are read from one mount at once, and some to follow: other machines shall win the others. */
#define LEASES_MAX 12u
/* If reads take this long, the origin hangs: what is on other mounts does not wait for their leases. */
#define LEASES_WAIT_NS UINT64_C(2000000000)
#define BARRED_MS 60000u
#define READY_NAP_NS 100000
#define LAG_MAX_NS 25000000u
#define LAG_WEIGHT 256u /* in looks: a lag is forgotten within some 50 ms */

static void link_work(struct pool *pool);
static void link_begin(void);

static const struct servers *servers;
static const struct seal_loader *loader;
static const uint8_t *secret;
static struct connection links[SERVERS_MAX];
static uint64_t barred[SERVERS_MAX]; /* clock_coarse_ms(), until then */
static uint32_t ready;		     /* 1: yes, 2: never */
uint32_t link_leases;
static struct pool helper = {
	.work = link_work, .begin = link_begin, .limit = 1, .lock = PTHREAD_MUTEX_INITIALIZER
};

void link_setup(const struct servers *list, const struct seal_loader *from,
		const uint8_t key[SEAL_SECRET])
{
	servers = list;
	loader = from;
	secret = key;
}

void link_prepare(void)
{
	if (load_relaxed(&ready) != 2)
		pool_prepare(&helper);
}

bool link_ready(uint64_t ns)
{
	const struct timespec nap = { .tv_nsec = READY_NAP_NS };
	uint64_t end = clock_mono_ns() + ns;

	while (!load_acquire(&ready) && clock_mono_ns() < end)
		sys_nanosleep(&nap);
	return load_acquire(&ready) == 1;
}

int link_send(struct link_call *call)
{
	call->at = 0;
	call->begun = clock_mono_ns();
	return pool_add(&helper, &call->job, false);
}

uint64_t link_silence(uint32_t server)
{
	return load_relaxed(&links[server].silent);
}

bool link_barred(uint32_t server)
{
	return load_relaxed(&barred[server]) > clock_coarse_ms();
}

/* --- called by the helper */

static bool parked_stays(const struct link_call *call, uint64_t now)
{
	return now < call->at || (call->lease && load_relaxed(&link_leases) >= LEASES_MAX &&
				  now < max_u64(call->begun, call->at) + LEASES_WAIT_NS);
}

static uint32_t links_depth(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < servers->count; i++)
		n += links[i].gets.count + links[i].under_way.count;
	return n;
}

static void call_accept(struct link_call *call)
{
	call->depth = links_depth() + 1;
	connection_accept(&links[call->server], call);
}

/* Send parked calls whose time has come; end those that nobody wants any more. */
static void parked_step(bool leaves)
{
	struct link_call *call = link_parked_take();
	uint64_t now = clock_mono_ns();
	struct link_call *next;

	for (; call; call = next) {
		next = call->next;
		if (leaves || (call->owner && load_relaxed(call->unwanted)))
			call_end(call, -ECANCELED);
		else if (parked_stays(call, now))
			link_park(call);
		else
			call_accept(call);
	}
}

/*
 * How much later than asked for this thread runs again, now and then. A machine with more runnable threads
 * than processors lets servers and their answers wait as long, and that is not their fault.
 */
static uint64_t lag_note(uint64_t slept)
{
	static uint64_t lag;

	lag -= lag / LAG_WEIGHT;
	if (slept > POLL_NS && slept - POLL_NS > lag)
		lag = min_u64(slept - POLL_NS, LAG_MAX_NS);
	return lag;
}

/* A process without a network, or without descriptors, must not have the others of its machine go without. */
static void link_dial(uint32_t server)
{
	if (!connection_dial(&links[server]))
		store_relaxed(&barred[server], clock_coarse_ms() + BARRED_MS);
}

/* Look at all connections once. Returns true if a call is under way. */
static bool links_step(void)
{
	struct socket_wait wait[SERVERS_MAX];
	struct connection *of[SERVERS_MAX];
	uint64_t before, lag;
	uint32_t n = 0;

	for (uint32_t i = 0; i < servers->count; i++) {
		struct connection *link = &links[i];

		if ((link->gets.count || link->puts.count) && !link->fd)
			link_dial(i);
		if (link->fd && !link->dialling)
			connection_send(link);
		if (!link->fd)
			continue;
		of[n] = link;
		wait[n++] = socket_waits(link->fd - 1, link->dialling || connection_has_more(link));
	}
	before = clock_mono_ns();
	socket_sleep(wait, n, POLL_NS);
	lag = lag_note(clock_mono_ns() - before);
	for (uint32_t i = 0; i < n; i++) {
		of[i]->lag = lag;
		if (of[i]->dialling && socket_may_write(&wait[i]))
			connection_dialled(of[i]);
		else if (!of[i]->dialling && socket_may_read(&wait[i]))
			connection_receive(of[i]);
		else
			connection_idle(of[i]);
	}
	for (uint32_t i = 0; i < servers->count; i++)
		if (connection_busy(&links[i]))
			return true;
	return link_parked();
}

static void link_begin(void)
{
	int err = (int)SYS_CALL(__NR_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0);

	/* the connections of an earlier helper were closed with its table */
	memset(links, 0, sizeof(links));
	link_parked_take();
	for (uint32_t i = 0; i < servers->count; i++)
		links[i].server = &servers->server[i];
	if (!err && socket_forbidden())
		err = -EPERM;
	if (!err)
		err = seal_load(loader, secret);
	if (err)
		log_warn("the tier is not used: %s", err == -ENOSYS ?
							     "libsodium.so.23 is not there" :
							     "this process is confined");
	store_release(&ready, err ? 2 : 1);
}

static void link_work(struct pool *pool)
{
	bool busy = false;

	for (;;) {
		struct pool_job *job = busy ? pool_take(pool) : pool_next(pool);

		if (!job && !busy) {
			/* another helper may have begun: no connection is ours any more */
			link_calls_trim();
			return;
		}
		for (; job; job = pool_take(pool)) {
			struct link_call *call = container_of(job, struct link_call, job);

			if (link_ready(0))
				link_park(call);
			else
				call_end(call, -ENOSYS);
		}
		parked_step(pool_leaves());
		busy = links_step();
	}
}

/* --- fork */

void link_fork_prepare(void)
{
	pool_fork_prepare(&helper);
}

void link_fork_parent(void)
{
	pool_fork_parent(&helper);
}

/* The connections belong to the parent, and exist in its helper's table only. */
void link_fork_child(void)
{
	memset(links, 0, sizeof(links));
	link_parked_take();
	store_relaxed(&link_leases, 0);
	link_calls_forget();
	pool_fork_child(&helper);
}
