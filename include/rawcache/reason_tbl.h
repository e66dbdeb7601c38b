/* SPDX-License-Identifier: MIT */
/*
 * Why a read or an open went past the cache, once: REASON(name, explanation).
 * Statistics, log, `rawcache explain` and the man page share these names.
 */
REASON(none, "served from the cache")
REASON(disabled, "RAWCACHE_DISABLE is set, or the program is listed in RAWCACHE_SKIP")
REASON(no_paths, "RAWCACHE_PATHS names no directory")
REASON(outside, "the file lies below no configured path")
REASON(excluded, "the file lies below an excluded path")
REASON(open_mode, "the file is open for writing, or with O_DIRECT, O_PATH or O_APPEND")
REASON(not_regular, "not a regular file")
REASON(special_fs, "the file system makes up its contents (proc, sys, ...), or they cannot be told from another's (squashfs before Linux 6.8)")
REASON(deleted, "the file has no name any more")
REASON(empty, "the file is empty")
REASON(unsettled, "the file changed less than RAWCACHE_SETTLE seconds ago")
REASON(changed, "the file changed while it was open")
REASON(no_image, "there is no image at RAWCACHE_DEVICE")
REASON(image_refused, "the image is foreign, damaged, newer than this library or not safe to use")
REASON(runtime_failed, "the runtime segment could not be made or is damaged")
REASON(runtime_unreachable, "other processes use the image with a runtime segment that is not reachable here, or use a copy of it")
REASON(slots_full, "all process slots of the runtime segment are taken")
REASON(no_memory, "no memory or address space for a table of the cache")
REASON(no_fd, "no descriptor is left, or the cache's own was closed by the program")
REASON(io_error, "the image's storage failed")
REASON(busy, "the fill table is full or its owner is too slow")
REASON(full, "no region can be recycled: all are pinned or being written")
REASON(large_fd, "the descriptor's number is beyond the table")
REASON(nested, "the call interrupted another call of the cache in the same thread")
