/* SPDX-License-Identifier: MIT */
/* Chunks that were read ahead, are being read, or are not stored yet. */
#include <errno.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/guard.h"
#include "base/stats.h"
#include "core/fill/fetch.h"
#include "core/fill/fill.h"
#include "core/fill/fill_steps.h"
#include "core/fill/fill_state.h"
#include "core/fill/name.h"
#include "core/origin/io.h"
#include "core/shared/cache.h"

/* Store the fetch, if this thread must. */
static void fetched_store(struct filling *held)
{
	bool storing = held->storing;

	held->storing = false;
	if (storing)
		fetch_store(held->fetch);
}

/* This thread must store it. If the read came back short although the file was long enough, continue it. */
static void fetched_rest(struct fetch *fetch, const struct want *want)
{
	struct io_request *request = &fetch->request;
	uint32_t number = number_of(fetch->cache, want);
	ssize_t got = request->result;
	ssize_t more;

	if (got <= 0 || (uint32_t)got == request->length ||
	    !file_unchanged(request->file, want->fd))
		return;
	more = io_read_origin(want->fd, request->buf + got, request->length - (uint32_t)got,
			      request->offset + (uint64_t)got);
	if (more > 0 && want_same(fetch->cache, want, number))
		request->result = (int32_t)(got + more);
}

/* Give the program its bytes from the buffer. It must not get bytes that a change has made old. */
static ssize_t fetched_deliver(const struct miss *m)
{
	const struct want *want = m->want;
	struct fetch *fetch = m->held->fetch;
	/*
	 * The bytes were read before the program asked for them, so they are as old as the file was then. A
	 * thread that read the attributes after the bytes has seen the state for which the key stands: they
	 * are as good as bytes from the image.
	 */
	bool unchanged = load_relaxed(&fetch->request.unchanged) ||
			 file_unchanged(m->file, want->fd);
	uint32_t skip = (uint32_t)(m->at + want->skip - fetch->request.offset);

	if (fetch->request.result < (int32_t)(skip + want->length) || !unchanged)
		return -ESTALE;
	return guard_copy(want->buf, fetch->request.buf + skip, want->length) ?
		       -EFAULT :
		       (ssize_t)want->length;
}

ssize_t miss_fetched(const struct miss *m)
{
	const struct want *want = m->want;
	struct fetch *fetch = m->held->fetch;
	uint64_t start = clock_mono_ns();
	ssize_t n;

	io_wait(&fetch->request);
	m->held->storing = fetch_claim(fetch);
	if (m->held->storing)
		fetched_rest(fetch, want);
	n = fetched_deliver(m);
	if (n < 0) {
		if (n == -ESTALE)
			fetch_reject(fetch);
		filling_leave_fetch();
		return n == -ESTALE ? MISS_BYPASS : n;
	}
	stats_latency(miss_latency, clock_mono_ns() - start);
	stats_add(miss_bytes, want->length);
	name_store(m->cache, m->file, want->fd);
	fetched_store(m->held);
	filling_leave_fetch();
	return n;
}

void fill_publish(struct file *file, int fd, int max)
{
	const struct want any = { .fd = fd };
	struct filling *held = &filling;

	for (int i = 0; i < max; i++) {
		held->fetch = fetch_take_done(file);
		if (!held->fetch)
			return;
		held->storing = true;
		fetched_rest(held->fetch, &any);
		if (file_unchanged(file, fd))
			fetched_store(held);
		filling_leave_fetch();
	}
}

bool fill_help(void)
{
	struct filling *held = &filling;

	held->fetch = fetch_take_waiting();
	if (!held->fetch)
		return false;
	held->storing = true;
	fetched_store(held);
	filling_leave_fetch();
	return true;
}
