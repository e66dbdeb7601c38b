/* SPDX-License-Identifier: MIT */
#include "shim/symbols.h"

#include "shim/announce.h"

#include <pthread.h>

#include "shim/track.h"

void announce_begin_slow(struct announce *announce, int fd)
{
	struct handle *handle = track_get(fd);

	if (!handle || !handle->writer)
		return;
	pthread_testcancel();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &announce->cancel_state);
	announce->handle = handle;
	rawcache_file_changed(attach_cache_now(), &handle->stx);
}

void announce_end_slow(struct announce *announce)
{
	rawcache_file_changed(attach_cache_now(), &announce->handle->stx);
	pthread_setcancelstate(announce->cancel_state, NULL);
}
