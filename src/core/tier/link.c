/* SPDX-License-Identifier: MIT */
#include "core/tier/link.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/sys.h"
#include "core/tier/connection.h"
#include "core/tier/socket.h"

/* The helper cannot be woken from poll(): other threads have other descriptors. So it looks for calls. */
#define POLL_NS 200000

static void link_work(struct pool *pool);
static void link_begin(void);

static const struct servers *servers;
static const struct seal_loader *loader;
static const uint8_t *secret;
static struct connection links[SERVERS_MAX];
static uint32_t ready; /* 1: yes, 2: never */
static struct pool helper = { .work = link_work,
			      .begin = link_begin,
			      .limit = 1,
			      .lock = PTHREAD_MUTEX_INITIALIZER };

void link_setup(const struct servers *list, const struct seal_loader *from, const uint8_t key[SEAL_SECRET])
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

bool link_ready(void)
{
	return load_acquire(&ready) == 1;
}

int link_send(struct link_call *call)
{
	call->state = LINK_WAITED;
	call->error = 0;
	call->sent = 0;
	call->begun = clock_mono_ns();
	return pool_add(&helper, &call->job, false);
}

void link_send_off(struct link_call *call)
{
	call->state = LINK_LEFT;
	call->error = 0;
	call->sent = 0;
	call->begun = clock_mono_ns();
	if (pool_add(&helper, &call->job, false))
		link_call_free(call);
}

uint64_t link_silence(uint32_t server)
{
	return load_relaxed(&links[server].silent);
}

/* --- by the helper */

/* One look at all connections. True: something is under way. */
static bool links_step(void)
{
	struct socket_wait wait[SERVERS_MAX];
	struct connection *of[SERVERS_MAX];
	uint32_t n = 0;

	for (uint32_t i = 0; i < servers->count; i++) {
		struct connection *link = &links[i];

		if ((link->gets.count || link->puts.count) && !link->fd)
			connection_dial(link);
		if (link->dialling)
			connection_undialled(link);
		else if (link->fd)
			connection_send(link);
		if (!link->fd)
			continue;
		of[n] = link;
		wait[n++] = socket_waits(link->fd - 1, link->dialling || connection_has_more(link));
	}
	socket_sleep(wait, n, POLL_NS);
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
	return false;
}

static void link_begin(void)
{
	int err = (int)SYS_CALL(__NR_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0);

	/* the connections of an earlier helper went with its table */
	memset(links, 0, sizeof(links));
	for (uint32_t i = 0; i < servers->count; i++)
		links[i].server = &servers->server[i];
	if (!err && socket_forbidden())
		err = -EPERM;
	if (!err)
		err = seal_load(loader, secret);
	if (err)
		log_warn("the tier is not used: %s",
			 err == -ENOSYS ? "libsodium.so.23 is not there" : "this process is confined");
	store_release(&ready, err ? 2 : 1);
}

static void link_work(struct pool *pool)
{
	bool busy = false;

	for (;;) {
		struct pool_job *job = busy ? pool_take(pool) : pool_next(pool);

		if (!job && !busy)
			return; /* another helper may have begun: nothing is ours any more */
		for (; job; job = pool_take(pool)) {
			struct link_call *call = container_of(job, struct link_call, job);

			if (link_ready())
				connection_accept(&links[call->server], call);
			else
				call_end(call, -ENOSYS);
		}
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

/* The connections are the parent's, and in its helper's table only. */
void link_fork_child(void)
{
	memset(links, 0, sizeof(links));
	link_calls_forget();
	pool_fork_child(&helper);
}
