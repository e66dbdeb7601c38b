/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/lock.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/lines.h"
#include "base/memory.h"
#include "base/proctable.h"
#include "base/sys.h"

#define MAPS_BYTES (64u << 10) /* room for many lines in one read */

static bool range_has(const void *start, uint64_t n, uintptr_t at)
{
	return start && at >= (uintptr_t)start && at - (uintptr_t)start < n;
}

static bool is_ours(const struct rawcache *cache, uintptr_t at)
{
	return range_has(cache->image.data, cache->image.data_bytes, at) ||
	       range_has(cache->image.meta, cache->image.meta_bytes, at) ||
	       range_has(cache->runtime.header, cache->runtime.bytes, at);
}

struct others {
	const struct rawcache *cache;
	const char *buf; /* the buffer into which lines are read */
	bool lock;
	int how;
	uint64_t bytes;
};

/* Sum up the bytes of other mappings; and, with `lock`, lock them. */
static bool line_lock(void *arg, char *line)
{
	struct others *others = arg;
	struct vma vma;

	if (!vma_parse(line, &vma) || is_ours(others->cache, vma.start) ||
	    range_has(others->buf, MAPS_BYTES, vma.start))
		return false;
	others->bytes += vma.end - vma.start;
	/* as with mlockall(), a mapping that cannot be locked is left out */
	if (others->lock)
		SYS_CALL(__NR_mlock2, vma.start, vma.end - vma.start, others->how, 0, 0, 0);
	return false;
}

int lock_others(const struct rawcache *cache, int flags)
{
	char *buf = memory_map(MAPS_BYTES);
	struct others others = { .cache = cache, .buf = buf };
	struct rlimit limit;
	int err;

	if (!buf)
		return -ENOMEM;
	others.how = flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0;
	err = lines_read("/proc/self/maps", buf, MAPS_BYTES, line_lock, &others);
	if (!err && (getrlimit(RLIMIT_MEMLOCK, &limit) || others.bytes > limit.rlim_cur))
		err = -ENOMEM;
	others.lock = true;
	if (!err)
		lines_read("/proc/self/maps", buf, MAPS_BYTES, line_lock, &others);
	memory_unmap(buf, MAPS_BYTES);
	return err;
}
