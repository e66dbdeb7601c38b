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
REASON(open_mode,
	"the file is open for writing alone, was written to or mapped shared through the descriptor, or is open "
	"with O_DIRECT, O_PATH or O_APPEND")
REASON(not_regular, "not a regular file")
REASON(special_fs,
	"the file system makes up its contents (proc, sys, ...), or nothing tells them from others (squashfs "
	"before Linux 6.8) or older ones (rclone; RAWCACHE_TRUST=1 where files do not change)")
REASON(deleted, "the file has no name any more")
REASON(empty, "the file is empty")
REASON(unsettled, "the file changed less than RAWCACHE_SETTLE seconds ago")
REASON(changed, "the file changed while it was open")
REASON(no_image, "there is no image at RAWCACHE_DEVICE")
REASON(image_refused, "the image is foreign, damaged, newer than this library or not safe to use")
REASON(runtime_failed, "the runtime segment could not be made or is damaged")
REASON(runtime_unreachable,
	"other processes use the image with a runtime segment that is not reachable here, or use a copy of it, or have "
	"another version of rawcache")
REASON(slots_full, "all process slots of the runtime segment are taken")
REASON(no_memory, "no memory or address space for a table of the cache")
REASON(no_fd, "no descriptor is left, or the cache's own was closed by the program")
REASON(io_error, "the image's storage failed")
REASON(busy, "the fill table is full or its owner is too slow")
REASON(full, "no region can be recycled: all are pinned or being written")
REASON(large_fd, "the descriptor's number is beyond the table")
REASON(nested, "the call interrupted another call of the cache in the same thread")
REASON(no_rights,
	"the program may not open the image: it belongs to somebody else, or the program had become another user "
	"before it read (have root start it by rawcache run, or set RAWCACHE_EARLY=1)")
REASON(loader, "a library or module that the dynamic loader maps by itself: its code is the origin's (of its data see libraries_mapped)")
REASON(ring,
	"the program has an io_uring or asynchronous I/O of its own: what it reads through that comes from the "
	"origin")
REASON(unseen, "the descriptor became another file past the shim (io_uring, system calls without libc)")
REASON(own_calls,
	"the program, or a library in it, makes system calls without libc, or by another one: what it reads by them "
	"comes from the origin")
REASON(stores, "a program has the file mapped shared and may store into it, which nobody hears of")
