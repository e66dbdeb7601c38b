/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/announce.h"

#include <pthread.h>

#include "shim/files/track.h"

void announce_begin_slow(struct announce *announce, int fd)
{
	struct handle *handle = track_writer(fd);

	if (!handle || load_acquire(&handle->mode) == HANDLE_READS)
		return;
	pthread_testcancel();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &announce->cancel_state);
	announce->handle = handle;
	if (!handle_write(handle, fd))
		rawcache_file_changed(attach_cache_now(), &handle->stx);
}

void announce_end_slow(struct announce *announce)
{
	rawcache_file_changed(attach_cache_now(), &announce->handle->stx);
	pthread_setcancelstate(announce->cancel_state, NULL);
}

static void announce_writer(int fd, struct handle *handle)
{
	(void)fd;
	if (fdtab_is_handle(handle) && handle_is_writer(handle))
		rawcache_file_changed(attach_cache_now(), &handle->stx);
}

static void announce_may(int fd, struct handle *handle)
{
	if (fdtab_is_handle(handle))
		handle_write(handle, fd);
}

void announce_any(void)
{
	if (attach_active && handle_may_write())
		fdtab_each(0, FDTAB_LIMIT, announce_may);
	announce_all();
}

void announce_all(void)
{
	if (attach_active && handle_writers())
		fdtab_each(0, FDTAB_LIMIT, announce_writer);
}
