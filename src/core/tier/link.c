/* SPDX-License-Identifier: MIT */
#include "core/tier/attention.h"
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
 * often; with a slow origin less often, because each look takes a busy machine's processor from somebody: a part of
 * the time that an answer may take.
 */
#define POLL_NS 200000u
#define POLL_MAX_NS 2000000u
#define POLL_SHARE 32u
/*
 * As many as are read from one mount at once, and some to follow: other machines shall win the others. Who waits for
 * many chunks of others shares a file's window with them, and leaves them more: what nobody has won yet keeps the
 * origin of who is done first busy.
 */
#define LEASES_MAX 12u
#define LEASES_MIN 4u
#define LEASES_SHARE 4u /* one less for so many chunks that are waited for */
/* If reads take this long, the origin hangs: what is on other mounts does not wait for their leases. */
#define LEASES_WAIT_NS UINT64_C(2000000000)
#define BARRED_MS 60000u
/* A hundred times what is waited for a helper: no thread can be made, perhaps. */
#define IMPATIENT_MS 10000u
/* A socket file that is not there may be that of a server which is being started again: this, then twice it, ... */
#define ABSENT_MS 125u
#define READY_NAP_NS 100000

static void link_work(struct pool *pool);
static void link_begin(void);

static const struct servers *servers;
static const struct seal_loader *loader;
static const uint8_t *secret;
static large_table struct connection links[SERVERS_MAX];
static uint64_t barred[SERVERS_MAX]; /* clock_coarse_ms(), until then */
/* how often the socket file was not there, since the last connection */
static uint32_t absences[SERVERS_MAX];
static uint64_t poll_ns = POLL_NS;
static uint32_t ready; /* 1: yes, 2: never */
uint32_t link_leases, link_waits;
uint64_t link_network;
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
	static uint64_t
		impatient; /* clock_coarse_ms(): no helper came, and until then nobody waits for one */
	const struct timespec nap = { .tv_nsec = READY_NAP_NS };
	uint64_t end = clock_mono_ns() + ns;

	if (load_relaxed(&impatient) > clock_coarse_ms())
		return load_acquire(&ready) == 1;
	while (!load_acquire(&ready) && clock_mono_ns() < end)
		sys_nanosleep(&nap);
	if (ns && !load_acquire(&ready))
		store_relaxed(&impatient, clock_coarse_ms() + IMPATIENT_MS);
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

static uint32_t leases_max(void)
{
	uint32_t less = load_relaxed(&link_waits) / LEASES_SHARE;

	return less < LEASES_MAX - LEASES_MIN ? LEASES_MAX - less : LEASES_MIN;
}

static bool parked_stays(const struct link_call *call, uint64_t now)
{
	return now < call->at || (call->lease && load_relaxed(&link_leases) >= leases_max() &&
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
	if (call->patience)
		poll_ns = max_u64(POLL_NS, min_u64(call->patience / POLL_SHARE, POLL_MAX_NS));
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

/* A process without a network, or without descriptors, must not have the others of its machine go without. */
static void link_dial(uint32_t server)
{
	int err = connection_dial(&links[server]);
	uint64_t pause = BARRED_MS;

	if (err == -ENOENT)
		pause = min_u64((uint64_t)ABSENT_MS << min_u64(absences[server]++, 16), BARRED_MS);
	if (err)
		store_relaxed(&barred[server], clock_coarse_ms() + pause);
	else if (links[server].fd)
		absences[server] = 0;
}

/* Look at all connections once. Returns true if a call is under way. */
static bool links_step(void)
{
	struct socket_wait wait[SERVERS_MAX];
	struct connection *of[SERVERS_MAX];
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
	if (n || link_parked())
		socket_sleep(wait, n, (long)poll_ns);
	attention_look(clock_mono_ns(), poll_ns);
	for (uint32_t i = 0; i < n; i++) {
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
	store_relaxed(&link_network, socket_network());
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
		if (!busy)
			attention_begin(clock_mono_ns());
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
	store_relaxed(&link_waits, 0);
	link_calls_forget();
	pool_fork_child(&helper);
}
