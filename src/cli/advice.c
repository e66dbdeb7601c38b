/* SPDX-License-Identifier: MIT */
#include "cli/advice.h"

#include <stddef.h>

const char *advice_of(unsigned int reason)
{
	switch (reason) {
	case RAWCACHE_REASON_excluded:
		return "take the exclusion out of --exclude or RAWCACHE_PATHS if these files may be cached";
	case RAWCACHE_REASON_open_mode:
		return "opening for reading and writing is served, but what is appended to, written or mapped shared "
		       "is not, and nothing in programs that have io_uring or make calls past libc: use what only "
		       "reads (numpy.memmap with mode=\"r\", LMDB with readonly, h5py and PHP with \"r\", qemu-io "
		       "with -r), or mount it read-only";
	case RAWCACHE_REASON_unsettled:
		return "wait until files have not changed for a while, or lower RAWCACHE_SETTLE";
	case RAWCACHE_REASON_changed:
		return "nothing needs to be done if others write these files";
	case RAWCACHE_REASON_special_fs:
		return "RAWCACHE_TRUST=1 on rclone and the like if files do not change; a newer kernel for packed ones";
	case RAWCACHE_REASON_no_image:
		return "make one with `rawcache format`, or have the sandbox show it (bwrap --bind IMAGE IMAGE)";
	case RAWCACHE_REASON_image_refused:
		return "see `rawcache doctor`; use an image of your own, or RAWCACHE_SHARED=1";
	case RAWCACHE_REASON_runtime_failed:
	case RAWCACHE_REASON_runtime_unreachable:
		return "share /dev/shm, or set RAWCACHE_RUNTIME_DIR to a directory that all see; start programs "
		       "again that have another version of rawcache";
	case RAWCACHE_REASON_no_memory:
	case RAWCACHE_REASON_no_fd:
		return "raise the limits (ulimit -v, ulimit -n)";
	case RAWCACHE_REASON_io_error:
		return "look at the disk of the image, and at the kernel's log";
	case RAWCACHE_REASON_busy:
	case RAWCACHE_REASON_full:
		return "use a larger image";
	case RAWCACHE_REASON_loader:
		return "copy programs and their libraries to a local disk";
	case RAWCACHE_REASON_ring:
		return "switch io_uring or native AIO off in the program, if it can read without";
	case RAWCACHE_REASON_own_calls:
		return "no setting helps (docs/limits.md); a build of the program that reads through libc would";
	default:
		return NULL;
	}
}

const char *advice_of_file(unsigned int reason)
{
	switch (reason) {
	case RAWCACHE_REASON_no_paths:
	case RAWCACHE_REASON_outside:
		return "name a directory above it with --path";
	case RAWCACHE_REASON_unsettled:
		return "wait, or lower RAWCACHE_SETTLE";
	case RAWCACHE_REASON_no_image:
		return "`rawcache run` makes it at its first use";
	case RAWCACHE_REASON_image_refused:
	case RAWCACHE_REASON_runtime_failed:
	case RAWCACHE_REASON_runtime_unreachable:
		return "`rawcache info` says what to do";
	default:
		return NULL;
	}
}

unsigned int advice_reasons(const struct rawcache_stats *stats,
			    unsigned int reasons[RAWCACHE_REASON_COUNT])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < RAWCACHE_REASON_COUNT; i++) {
		uint64_t n = rawcache_passthrough(stats, i);
		unsigned int at = count;

		if (!n || i == RAWCACHE_REASON_none || i == RAWCACHE_REASON_outside)
			continue;
		for (; at && rawcache_passthrough(stats, reasons[at - 1]) < n; at--)
			reasons[at] = reasons[at - 1];
		reasons[at] = i;
		count++;
	}
	return count;
}
