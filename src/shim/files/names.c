/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/names.h"
#include "shim/files/names_look.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/guard.h"
#include "base/paths.h"
#include "base/stats.h"
#include "base/sys.h"
#include "base/unusual.h"

#include "shim/libc/pathbuf.h"
#include "shim/libc/procfd.h"
#include "shim/libc/thread.h"
#include "shim/table/who.h"

#define PIECE 256u	/* bytes of a path that are copied at once; a page contains whole pieces */
#define PLACES 512u	/* of directories, by their hash; another one takes the place */
#define MOUNTS 8u	/* more than a program has below configured paths, mostly */
#define SLOW_NS 100000u /* if the kernel takes this long, it has asked the server */
#define SLOW_MS 100u	/* for this long it should not have to ask again */
#define SLOW_LOOKS 32u	/* more slow looks than fast ones by this: names are not remembered */

bool names_on;

/* hash of a directory; the lowest bit tells whether its names are remembered */
static large_table uint64_t places[PLACES];
static uint64_t last_place, last_ms; /* the directory that was looked at last */
static uint32_t looks_slow, looks_fast;
static bool decided; /* with `auto`: whether there is any mount to which it applies was found out */
static uint64_t real_mounts
	[MOUNTS]; /* numbers of mounts; the lowest bit tells whether their times are real */

at_start void names_init(void)
{
	store_relaxed(&names_on,
		      attach_config.names && attach_config.revalidate_ms != CONFIG_REVALIDATE_SYNC);
}

/* Copy the program's string, whose address may be bad. False: leave the call to the kernel. */
bool names_path_copy(struct pathbuf *buf, const char *path)
{
	for (size_t at = 0; at < sizeof(buf->path);) {
		size_t n = min_u64(PIECE - (uintptr_t)(path + at) % PIECE, sizeof(buf->path) - at);

		if (guard_copy(buf->path + at, path + at, n))
			return false;
		if (memchr(buf->path + at, '\0', n))
			return true;
		at += n;
	}
	return false;
}

/* Split the path into directory and name. False: it has no directory, or a name that cannot be absent. */
bool names_look_split(struct look *look)
{
	char *slash = strrchr(look->buf->path, '/');
	char *name = slash ? slash + 1 : look->buf->path;

	look->length = strlen(name);
	if (!look->length || look->length > NAME_MAX || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	if (name + 1 - look->buf->path >= PATH_MAX - 1)
		return false;
	memcpy(look->name, name, look->length + 1);
	look->at = (size_t)(name - look->buf->path);
	memcpy(name, ".", 2);
	return true;
}

/* Check the path as the program wrote it: the cheapest way to see that it does not matter. */
bool names_path_may_matter(const char *path)
{
	return *path != '/' || paths_match(attach_config.paths, path) == PATH_INSIDE;
}

/*
 * Learn whether the kernel asks the server at each look: looks are then no cheaper than the calls that they
 * save.
 */
static void slow_note(uint64_t place, uint64_t ns)
{
	uint64_t now = clock_coarse_ms();
	bool again = load_relaxed(&last_place) == place && now - load_relaxed(&last_ms) < SLOW_MS;

	store_relaxed(&last_place, place);
	store_relaxed(&last_ms, now);
	if (!again)
		return;
	if (ns < SLOW_NS)
		store_relaxed(&looks_fast, load_relaxed(&looks_fast) + 1);
	else if (fetch_add(&looks_slow, 1) > SLOW_LOOKS + load_relaxed(&looks_fast))
		store_relaxed(&names_on, false);
}

static uint64_t place_hash(const struct statx *stx)
{
	uint64_t h = (stx->stx_mnt_id ^ stx->stx_ino * UINT64_C(0x9e3779b97f4a7c15)) *
		     UINT64_C(0xd6e8feb86659fd93);

	return (h ^ h >> 32) & ~UINT64_C(1);
}

/* With `auto`: whether there is a mount to which it applies. Mounts that are made later do not count. */
static bool names_decide(void)
{
	if (attach_config.names == CONFIG_AUTO && !load_relaxed(&decided)) {
		if (!rawcache_names_wanted(attach_config.paths))
			store_relaxed(&names_on, false);
		store_relaxed(&decided, true);
	}
	return load_relaxed(&names_on);
}

static bool mount_is_real(int fd, uint64_t mount)
{
	uint64_t *word = &real_mounts[mount % MOUNTS];
	uint64_t seen = load_relaxed(word);

	if (seen >> 1 == mount)
		return seen & 1;
	seen = mount << 1 | rawcache_names_real(fd);
	store_relaxed(word, seen);
	return seen & 1;
}

/* Whether the directory lies in a configured one, and its times can be trusted. */
static bool place_find_out(const struct look *look, uint64_t mount)
{
	int fd = sys_openat(look->dir, look->buf->path, O_PATH | O_CLOEXEC | O_DIRECTORY, 0);
	struct pathbuf *buf = pathbuf_get();
	bool inside;

	inside = fd >= 0 && buf && procfd_path(fd, buf->path, sizeof(buf->path)) >= 0 &&
		 paths_match(attach_config.paths, buf->path) == PATH_INSIDE &&
		 (attach_config.names != CONFIG_AUTO || mount_is_real(fd, mount));
	if (fd >= 0)
		sys_close(fd);
	if (buf)
		pathbuf_put(buf);
	return inside;
}

static bool place_matters(const struct look *look, const struct statx *stx)
{
	uint64_t place = place_hash(stx);
	uint64_t *word = &places[place / 2 % PLACES];
	uint64_t seen = load_relaxed(word);
	bool inside;

	if (seen && (seen & ~UINT64_C(1)) == place)
		return seen & 1;
	inside = place_find_out(look, stx->stx_mnt_id);
	store_relaxed(word, place | inside);
	return inside;
}

/* Look at the directory. False: nothing is known of it, or it cannot be reached. */
bool names_look_at(const struct look *look, struct rawcache_names *names)
{
	uint64_t begun = clock_mono_ns();
	struct statx stx;

	if (sys_statx(look->dir, look->buf->path, AT_STATX_SYNC_AS_STAT, DIR_MASK, &stx) ||
	    (stx.stx_mask & DIR_MASK) != DIR_MASK || !S_ISDIR(stx.stx_mode))
		return false;
	slow_note(place_hash(&stx), clock_mono_ns() - begun);
	return place_matters(look, &stx) &&
	       rawcache_names_look(attach_cache_now(), &stx, look->who.hash, names);
}

bool names_descriptor_free(void)
{
	return sys_openat(AT_FDCWD, "/", O_WRONLY | O_CLOEXEC, 0) == -EISDIR;
}

/*
 * Whether the kernel knows of no file by that name, without asking the server. FUSE takes a directory's old
 * times, and keeps them for a while, if they were on their way when a name was made in it; but of that name it
 * knows since. A descriptor is taken first, as by the program's own open(): if there is none left, the answer
 * is false.
 */
static bool name_unknown(const struct look *look)
{
	char *name = look->buf->path + look->at;
	int fd;

	memcpy(name, look->name, look->length + 1);
	fd = unusual_open_cached(look->dir, look->buf->path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	memcpy(name, ".", 2);
	if (fd >= 0)
		sys_close(fd);
	return fd == -EAGAIN || fd == -ENOENT;
}

/* Whether `fd` is the directory that was looked at, and is unchanged. */
static bool pinned_same(int fd, const struct look *look)
{
	struct rawcache_names now;
	struct statx stx;

	return !sys_statx(fd, "", AT_EMPTY_PATH | AT_STATX_SYNC_AS_STAT, DIR_MASK, &stx) &&
	       (stx.stx_mask & DIR_MASK) == DIR_MASK &&
	       rawcache_names_look(attach_cache_now(), &stx, look->who.hash, &now) &&
	       rawcache_names_same(&look->names, &now);
}

/*
 * Ask the origin whether the name exists, be it a link or not. It is asked in the directory itself: the
 * path may lead to another directory by now, and to the first one again afterwards. The program's string
 * may have changed too.
 */
static bool look_ask(const struct look *look)
{
	int fd = sys_openat(look->dir, look->buf->path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	int err = -EINVAL;
	struct statx stx;

	if (fd < 0)
		return false;
	if (pinned_same(fd, look))
		err = sys_statx(fd, look->name,
				AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0,
				&stx);
	if (err == -ENOENT && !pinned_same(fd, look))
		err = -EINVAL;
	sys_close(fd);
	if (err == -ENOENT && who_same(&look->who))
		rawcache_name_learn(attach_cache_now(), &look->names, look->name, look->length);
	else if (!err)
		rawcache_name_seen(attach_cache_now(), &look->names, look->name, look->length);
	return err == -ENOENT;
}

static bool look_answer(struct look *look, const char *path, enum names_use use)
{
	enum rawcache_name known;

	if (!names_decide() || !names_path_copy(look->buf, path) ||
	    !names_path_may_matter(look->buf->path) || !names_look_split(look))
		return false;
	if (!who_now(&look->who) || (use == NAMES_REAL && !look->who.plain))
		return false;
	if (!names_look_at(look, &look->names) || !look->names.settled)
		return false;
	known = rawcache_name_find(attach_cache_now(), &look->names, look->name, look->length);
	if (known == RAWCACHE_NAME_ABSENT && name_unknown(look)) {
		stats_add(names_hits, 1);
		return true;
	}
	if (known != RAWCACHE_NAME_UNKNOWN)
		return false;
	return look_ask(look) && (use != NAMES_OPEN || names_descriptor_free());
}

bool names_absent_slow(int dir, const char *path, enum names_use use)
{
	struct look look = { .dir = dir };
	bool absent;

	if (!load_relaxed(&attach_active) || thread_is_foreign())
		return false;
	if (use == NAMES_OPEN)
		pthread_testcancel();
	if (!thread_enter())
		return false;
	look.buf = pathbuf_get();
	absent = look.buf && look_answer(&look, path, use);
	if (look.buf)
		pathbuf_put(look.buf);
	thread_leave();
	if (absent)
		errno = ENOENT;
	return absent;
}

/* Whether its directory is one whose names are remembered. */
static bool missed_matters(struct look *look, const char *path)
{
	struct statx stx;

	return names_path_copy(look->buf, path) && *look->buf->path == '/' &&
	       names_path_may_matter(look->buf->path) && names_decide() && names_look_split(look) &&
	       !sys_statx(look->dir, look->buf->path, AT_STATX_DONT_SYNC, DIR_MASK, &stx) &&
	       place_matters(look, &stx);
}

void names_missed_slow(const char *path)
{
	struct look look = { .dir = AT_FDCWD, .buf = pathbuf_get() };
	enum rawcache_reason reason;
	int saved = errno;

	if (load_relaxed(&attach_active) && !thread_is_foreign() && look.buf && thread_enter()) {
		if (missed_matters(&look, path))
			attach_cache(&reason);
		thread_leave();
	}
	if (look.buf)
		pathbuf_put(look.buf);
	errno = saved;
}
