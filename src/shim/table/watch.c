/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/watch.h"

#include <errno.h>

#include <rawcache/embed.h>

#include "base/log.h"
#include "base/sys.h"

#include "shim/table/attach.h"
#include "shim/table/news.h"
#include "shim/table/process.h"

void past_settle_slow(void)
{
	store_relaxed(&sign_fresh, false);
	process_keep_shared();
	fence_full(); /* either we see track_opened_slow()'s change, or it sees ours */
	process_share_all();
}

/* Calls past the hooks cannot be counted; that they are possible is counted, once a process. */
static void sign_count(enum sign sign)
{
	if (sign == SIGN_RING)
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_ring);
	else if (sign == SIGN_CODE || sign == SIGN_LIBC)
		rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_own_calls);
}

void past_begin(enum sign sign)
{
	int saved = errno;

	if (attach_active && sign_note(sign)) {
		sign_count(sign);
		log_info("%s: each call looks what its descriptor is from now on", sign_text(sign));
		past_settle_slow();
	}
	errno = saved;
}

/* A descriptor that cannot be read, or whose reads are not served, means another file. */
static bool mode_same(const struct handle *handle, int fd)
{
	int flags = sys_fcntl(fd, F_GETFL, 0);

	if (flags < 0 || flags & O_PATH)
		return false;
	if (load_acquire(&handle->mode) != HANDLE_READS)
		return (flags & O_ACCMODE) != O_RDONLY;
	return (flags & O_ACCMODE) != O_WRONLY &&
	       (!(flags & O_DIRECT) || load_relaxed(&handle->retry_ms) == HANDLE_NEVER);
}

/*
 * This asks no server: the inode number of an open file does not change. But what the process itself may have written
 * past the hooks, its kernel knows: attributes that a write has made invalid are asked for.
 */
static bool inode_same(const struct handle *handle, int fd, struct statx *stx)
{
	int sync = news_written(&handle->stx) ? AT_STATX_SYNC_AS_STAT : AT_STATX_DONT_SYNC;

	return mode_same(handle, fd) && !sys_fstatx_by(fd, sync, stx) &&
	       stx->stx_ino == handle->stx.stx_ino &&
	       stx->stx_dev_major == handle->stx.stx_dev_major &&
	       stx->stx_dev_minor == handle->stx.stx_dev_minor;
}

enum watch_answer past_look(struct handle *handle, int fd)
{
	struct statx stx;

	if (!inode_same(handle, fd, &stx)) {
		if (fdtab_replace(fd, handle, NULL)) {
			rawcache_count_bypass(attach_cache_now(), RAWCACHE_REASON_unseen);
			handle_release(handle);
		}
		return WATCH_OTHER;
	}
	/* the times tell an inode that was freed and reused */
	return handle_same(handle, &stx) ? WATCH_SAME : WATCH_CHANGED;
}

uint32_t past_number(int fd)
{
	uint32_t changes = fdtab_changes(fd);
	const struct handle *handle;
	struct statx stx;

	if (!changes || !sign_any())
		return changes;
	handle = fdtab_get(fd);
	return fdtab_is_handle(handle) && inode_same(handle, fd, &stx) ? changes : 0;
}
