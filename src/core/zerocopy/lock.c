/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/lock.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/sys.h"

#define MAPS_BYTES (1u << 20)

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

/* /proc/self/maps with a zero behind it: the length, or -errno. */
static ssize_t maps_read(char *text)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	ssize_t n = 1;

	if (fd < 0)
		return fd;
	while (n > 0 && have < MAPS_BYTES - 1) {
		n = sys_read(fd, text + have, MAPS_BYTES - 1 - have);
		have += n > 0 ? (size_t)n : 0;
	}
	sys_close(fd);
	text[have] = '\0';
	return n ? (n < 0 ? n : -E2BIG) : (ssize_t)have;
}

static uintptr_t hex_take(const char **p)
{
	uintptr_t value = 0;

	for (;; (*p)++) {
		char c = **p;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uintptr_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uintptr_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* The bytes that others have mapped; and lock them. */
static uint64_t maps_lock_each(const struct rawcache *cache, const char *text, bool lock, int how)
{
	uint64_t total = 0;

	for (const char *p = text; *p; p++) {
		uintptr_t start = hex_take(&p);
		uintptr_t end = *p == '-' ? (p++, hex_take(&p)) : start;

		while (*p && *p != '\n')
			p++;
		if (!is_ours(cache, start) && !range_has(text, MAPS_BYTES, start) && end > start) {
			total += end - start;
			/* as with mlockall(), what cannot be locked is not */
			if (lock)
				SYS_CALL(__NR_mlock2, start, end - start, how, 0, 0, 0);
		}
		if (!*p)
			break;
	}
	return total;
}

int lock_others(const struct rawcache *cache, int flags)
{
	char *text = memory_map(MAPS_BYTES);
	struct rlimit limit;
	int err = text ? 0 : -ENOMEM;
	ssize_t n;

	if (err)
		return err;
	n = maps_read(text);
	err = n < 0 ? (int)n : 0;
	if (!err && (getrlimit(RLIMIT_MEMLOCK, &limit) ||
		     maps_lock_each(cache, text, false, 0) > limit.rlim_cur))
		err = -ENOMEM;
	if (!err)
		maps_lock_each(cache, text, true, flags & MCL_ONFAULT ? MLOCK_ONFAULT : 0);
	memory_unmap(text, MAPS_BYTES);
	return err;
}
