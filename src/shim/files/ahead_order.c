/* SPDX-License-Identifier: MIT */
/*
 * The order in which the program opens files, kept as an object of the image: its next run has them opened ahead in
 * that order. A run is the same if the program, its arguments, its directory, and which of its parent's forks it is are
 * the same. A wrong order costs a few opens in vain: what a descriptor is decides its path, when it is handed out.
 */
#include "shim/libc/symbols.h"

#include "shim/files/ahead.h"

#include <limits.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <rawcache/object.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/sys.h"

#include "shim/libc/pathbuf.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/process.h"

#define ORDER_BYTES (512u << 10) /* 8192 paths of 64 bytes, as in a listing */
#define ORDER_FILES 16u		 /* a program that opens fewer ends before anything was gained */
#define ORDER_KEY "opens of a run"
/* A program that opens files faster has no use for a record: half of LAST_RUN_NS, for two threads may open files. */
#define ORDER_NS UINT64_C(400000)

static struct {
	uint32_t busy; /* a thread notes, or saves */
	bool begun;    /* in this process */
	uint64_t born; /* of the process that began */
	uint64_t begun_ns;
	char *names; /* what it has opened */
	size_t bytes;
	uint32_t count;
	char *before; /* what was opened in the last run */
	size_t bytes_before;
	struct {
		char name[sizeof(ORDER_KEY)];
		XXH128_canonical_t hash;
	} key;
} order;

static bool order_take(void)
{
	uint32_t no = 0;

	return cas(&order.busy, &no, 1);
}

/* All of a file of /proc, or nothing. */
static void hash_file(XXH3_state_t *state, const char *path, struct pathbuf *buf)
{
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t n;

	while (fd >= 0 && (n = sys_read(fd, buf->path, sizeof(buf->path))) > 0)
		XXH3_128bits_update(state, buf->path, (size_t)n);
	if (fd >= 0)
		sys_close(fd);
}

static void hash_link(XXH3_state_t *state, const char *path, struct pathbuf *buf)
{
	ssize_t n = sys_readlinkat(AT_FDCWD, path, buf->path, sizeof(buf->path));

	if (n > 0)
		XXH3_128bits_update(state, buf->path, (size_t)n);
}

static void key_make(struct pathbuf *buf)
{
	XXH3_state_t state;

	XXH3_INITSTATE(&state);
	XXH3_128bits_reset(&state);
	hash_link(&state, "/proc/self/exe", buf);
	hash_link(&state, "/proc/self/cwd", buf);
	hash_file(&state, "/proc/self/cmdline", buf);
	XXH3_128bits_update(&state, &process_born, sizeof(process_born));
	memset(&order.key, 0, sizeof(order.key));
	memcpy(order.key.name, ORDER_KEY, sizeof(ORDER_KEY));
	XXH128_canonicalFromHash(&order.key.hash, XXH3_128bits_digest(&state));
}

/* Whether these are paths of configured directories. */
static bool names_are_right(const char *names, size_t bytes)
{
	if (!bytes || names[bytes - 1])
		return false;
	for (size_t i = 0; i < bytes; i += strlen(names + i) + 1)
		if (names[i] != '/' || strlen(names + i) >= PATH_MAX ||
		    paths_match(attach_config.paths, names + i) != PATH_INSIDE)
			return false;
	return true;
}

static void order_begin(void)
{
	struct pathbuf *buf = pathbuf_get();
	ssize_t n = -1;

	order.begun = true;
	order.born = process_born;
	order.bytes = order.bytes_before = order.count = 0;
	order.begun_ns = clock_mono_ns();
	rawcache_opens_as_before(NULL, 0); /* it had `before` */
	if (!order.names)
		order.names = memory_map(ORDER_BYTES);
	if (!order.before)
		order.before = memory_map(ORDER_BYTES);
	if (buf && order.names && order.before) {
		key_make(buf);
		n = rawcache_lookup(attach_cache_now(), &order.key, sizeof(order.key), order.before,
				    ORDER_BYTES);
	}
	if (buf)
		pathbuf_put(buf);
	if (n > 0 && names_are_right(order.before, (size_t)n)) {
		order.bytes_before = (size_t)n;
		rawcache_opens_as_before(order.before, (size_t)n);
	}
}

void ahead_order_note(const char *path)
{
	size_t n = strlen(path) + 1;

	/* whoever may write the image could have files opened */
	if (attach_config.shared || !attach_cache_now() || !order_take())
		return;
	if (!order.begun || order.born != process_born)
		order_begin();
	if (order.names && order.before && n <= ORDER_BYTES - order.bytes) {
		memcpy(order.names + order.bytes, path, n);
		order.bytes += n;
		order.count++;
	}
	store_release(&order.busy, 0);
}

static bool order_is_new(void)
{
	return order.begun && order.born == process_born && order.count >= ORDER_FILES &&
	       clock_mono_ns() - order.begun_ns >= order.count * ORDER_NS &&
	       (order.bytes != order.bytes_before ||
		memcmp(order.names, order.before, order.bytes) != 0);
}

void ahead_order_save(void)
{
	if (!load_relaxed(&order.begun) || !load_relaxed(&attach_active) ||
	    process_seems_foreign() || !thread_enter())
		return;
	if (order_take()) {
		if (order_is_new())
			rawcache_store(attach_cache_now(), &order.key, sizeof(order.key),
				       order.names, order.bytes, 0);
		order.begun = false;
		store_release(&order.busy, 0);
	}
	thread_leave();
}
