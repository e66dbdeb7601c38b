/* SPDX-License-Identifier: MIT */
/*
 * Files opened ahead, on the side of the program: finding out what it opens next, and giving it what was
 * opened. See rawcache/embed.h.
 */
#include <rawcache/embed.h>

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/patience.h"
#include "base/unusual.h"
#include "core/origin/handover.h"
#include "core/origin/opens_queue.h"
#include "core/shared/slot.h"

/* A file is the program's only if it was opened so short a time ago. */
#define AGE_NS UINT64_C(1000000000)
#define WAIT_NS 100000000   /* then it looks whether the slot is still the same */
#define CLOSE_NAP_NS 100000 /* a helper closes a file in less than a request takes */
/* A program that opens files faster than this does not wait for a server. */
#define SLOW_NS 100000u
#define BEGIN_NAMES 3u /* names of which an order can be made */
#define TRUST_HITS \
	4u /* so many files were used of a directory: the next one is worth a listing at once */
#define MISSES 3u   /* in a row: it goes another way */
#define LOOK_ON 64u /* files that the program may leave out */
/* Half of the files of all slots: so many later other processes are looked at again. */
#define FOLLOW_LOOKS (OPENS_SLOTS / 2)

/* --- what it opens next */

static void seen_note(uint32_t directory, const char *name, size_t n, uint64_t ns)
{
	struct opens_seen *seen = &opens.seen;

	if (!seen->count || seen->directory != directory) {
		seen->directory = directory;
		seen->count = 0;
		seen->begun_ns = ns;
	}
	seen->last_ns = ns;
	memcpy(seen->names[seen->count++ % OPENS_RECENT], name, n + 1);
}

static bool worth_a_listing(void)
{
	const struct opens_seen *seen = &opens.seen;

	if (opens.trusted)
		return true;
	return seen->count >= BEGIN_NAMES &&
	       (seen->last_ns - seen->begun_ns) / (seen->count - 1) >= SLOW_NS;
}

/* The program has left the directory, or opened all of it, or goes another way. */
static void leave(void)
{
	if (opens.follows_last) {
		opens.differs = true;
		opens_end(false);
		return;
	}
	opens.trusted = opens.hits >= TRUST_HITS && opens.misses <= MISSES;
	if (!opens.trusted)
		opens.refused = opens.directory;
	opens_end(false);
}

static bool all_used(void)
{
	return opens.next >= opens_names()->count && opens.head == opens.tail;
}

/* The place of a name among the next ones of an order; the end of what was looked at: none. */
static uint32_t place_among(const struct dirlist *names, uint32_t expected, const char *name,
			    uint32_t *end)
{
	uint32_t from = (uint32_t)min_u64(expected, names->count);

	*end = (uint32_t)min_u64((uint64_t)expected + LOOK_ON, names->count);
	return dirlist_find(names, opens.follows_last ? DIRLIST_AS_LISTED : opens.order, name, from,
			    *end);
}

static void follow(const char *name, int flags)
{
	uint32_t to, place = place_among(opens_names(), opens.expected, name, &to);

	opens.flags = flags;
	if (place < to) {
		opens.expected = place + 1;
		opens.next = (uint32_t)max_u64(opens.next, opens.expected);
		opens.misses = 0;
	} else {
		opens.misses++;
	}
	if (opens.misses > MISSES || all_used() || (opens.follows_last && opens.differs))
		leave();
	else
		opens_issue(true);
}

static void begin(const struct rawcache_opened *opened, size_t length,
		  const struct rawcache_opener *opener)
{
	if (opens.refused == opened->directory)
		return;
	opens.directory = opened->directory;
	opens.opener = *opener;
	opens.flags = opened->flags & ~O_CLOEXEC;
	opens_begin(opened->path, length);
}

/*
 * The program may do as it did in its last run. It opens one file after another as then, or else all of that is
 * given up.
 */
static void begin_last(const struct rawcache_opened *opened, const struct rawcache_opener *opener)
{
	uint32_t to, place;

	if (!opens.last_run.count || opens.differs || handover_prepare())
		return;
	opens.follows_last = true;
	opens.order = DIRLIST_AS_LISTED;
	place = place_among(&opens.last_run, opens.last_expected, opened->path, &to);
	if (place == to) {
		opens.follows_last = false;
		opens.differs = ++opens.last_misses > MISSES;
		return;
	}
	opens.trusted = false;
	opens.directory = 0;
	opens.opener = *opener;
	opens.flags = opened->flags & ~O_CLOEXEC;
	opens.length = 0;
	opens.hits = opens.misses = 0;
	opens.expected = opens.next = place + 1;
	opens.state = OPENS_RUNNING;
	opens_issue(true);
}

void rawcache_opens_as_before(char *names, size_t bytes)
{
	struct critical critical;

	opens_lock(&critical);
	if (opens.follows_last)
		opens_end(false);
	dirlist_forget(&opens.last_run);
	if (names)
		dirlist_of(&opens.last_run, names, bytes);
	opens.differs = false;
	opens.last_expected = opens.last_misses = 0;
	opens_unlock(&critical);
}

/* What was opened before the program heard something is nothing that it may have now. */
static void hear(uint32_t heard)
{
	if (opens.opener.heard == heard)
		return;
	opens.opener.heard = heard;
	opens.next = opens.expected;
	while (opens.head != opens.tail)
		opens_skip(false);
}

static void opens_note(const struct rawcache_opened *opened, size_t length,
		       const struct rawcache_opener *opener)
{
	if (opens.state == OPENS_RUNNING) {
		hear(opener->heard);
		if (opens.follows_last)
			follow(opened->path, opened->flags & ~O_CLOEXEC);
		else if (opens.directory == opened->directory)
			follow(opened->path + length, opened->flags & ~O_CLOEXEC);
		else if (opens.seen.count >= BEGIN_NAMES || all_used())
			leave();
	}
	if (opens.state == OPENS_NOTHING && !unusual_forbidden())
		begin_last(opened, opener);
	if (opens.state == OPENS_NOTHING && worth_a_listing() && !unusual_forbidden())
		begin(opened, length, opener);
}

/*
 * `noting` is no lock for which anyone waits: a signal handler that opens a file in the middle goes on, and if
 * it leaves by siglongjmp() nothing is opened ahead any more.
 */
bool rawcache_open_seen(const struct rawcache_opened *opened)
{
	static uint32_t noting;
	const char *slash = strrchr(opened->path, '/');
	size_t n = slash ? strlen(slash + 1) : 0;
	uint32_t no = 0;
	bool matters;

	opens_count();
	if (load_relaxed(&opens_stopped) || opened->flags & ~(RAWCACHE_OPEN_FLAGS | O_CLOEXEC) ||
	    !n || n > NAME_MAX || !cas(&noting, &no, 1))
		return false;
	seen_note(opened->directory, slash + 1, n, opened->ns);
	matters = load_relaxed(&opens.state) != OPENS_NOTHING || worth_a_listing() ||
		  (load_relaxed(&opens.last_run.count) && !load_relaxed(&opens.differs));
	store_release(&noting, 0);
	return matters;
}

void rawcache_open_follow(struct rawcache *cache, const struct rawcache_opened *opened,
			  const struct rawcache_opener *opener)
{
	const char *slash = strrchr(opened->path, '/');
	struct critical critical;

	/* a fork child has no slot before it needs one: the others must count it */
	if (!(load_relaxed(&opens.followed) % FOLLOW_LOOKS))
		cache_slot_need(cache);
	if (!opens_trylock(&critical))
		return;
	if (!(opens.followed++ % FOLLOW_LOOKS))
		opens.limit = opens_limit(cache);
	opens_note(opened, (size_t)(slash + 1 - opened->path), opener);
	opens_unlock(&critical);
}

/* --- what was opened */

/*
 * Whether the paths may mean the same file. Of those of the last run the directories' names must be the same: in many
 * directories files have one name. What the path leads to decides.
 */
static bool slot_fits(const struct opens_slot *slot, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *a = slot->path + slot->name;
	const char *b = slash ? slash + 1 : path;

	if (strcmp(a, b))
		return false;
	if (!opens.follows_last)
		return true;
	while (b > path && a > slot->path && b[-1] == a[-1] && (b[-1] != '/' || b == slash + 1)) {
		a--;
		b--;
	}
	return b == path || a == slot->path || (b[-1] == '/' && a[-1] == '/');
}

/* Under the lock. */
static struct opens_slot *slot_find(const char *path, int flags, uint32_t heard)
{
	for (uint32_t i = opens.head; i != opens.tail; i++) {
		struct opens_slot *slot = opens_slot(i);

		if (slot->state != SLOT_VOID && slot->flags == flags && slot->heard == heard &&
		    slot_fits(slot, path))
			return slot;
	}
	return NULL;
}

static bool slot_is(const struct opens_slot *slot, uint32_t number)
{
	return slot->number == number && opens.tail - number <= opens.tail - opens.head &&
	       opens.tail != number;
}

/* Under the lock, which is let go of meanwhile. Wait for the helper that opens it. */
static bool slot_await(struct opens_slot *slot, uint32_t number, struct critical *critical)
{
	const struct timespec patience = { .tv_nsec = WAIT_NS };
	uint64_t end = clock_mono_ns() + AGE_NS;

	while (slot_is(slot, number) && slot->state > SLOT_QUEUED && slot->state != SLOT_READY &&
	       clock_mono_ns() < end) {
		uint32_t seen = slot->state;

		opens_unlock(critical);
		sys_futex(&slot->state, FUTEX_WAIT_PRIVATE, seen, &patience);
		opens_lock(critical);
	}
	if (slot_is(slot, number) && slot->state == SLOT_QUEUED)
		store_release(&slot->state, SLOT_VOID); /* the program is faster */
	return slot_is(slot, number) && slot->state == SLOT_READY;
}

/* Whether the kernel would open this very file now, in the state in which it was opened. */
static bool opens_name_is(int dir, const char *path, int flags, const struct statx *opened)
{
	struct statx now;

	return !sys_statx(dir, path,
			  AT_STATX_SYNC_AS_STAT | (flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0),
			  STATX_IDENTITY | STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &now) &&
	       (now.stx_mask & STATX_IDENTITY) == STATX_IDENTITY &&
	       now.stx_ino == opened->stx_ino && now.stx_mnt_id == opened->stx_mnt_id &&
	       sys_device(&now) == sys_device(opened) && now.stx_mode == opened->stx_mode &&
	       now.stx_uid == opened->stx_uid && now.stx_gid == opened->stx_gid &&
	       now.stx_nlink == opened->stx_nlink && now.stx_size == opened->stx_size &&
	       sys_timestamp_same(&now.stx_mtime, &opened->stx_mtime) &&
	       sys_timestamp_same(&now.stx_ctime, &opened->stx_ctime);
}

/* Under the lock: those before it were left out by the program. */
static int opens_take(struct opens_slot *slot, uint32_t number, bool close_on_exec)
{
	int fd;

	if (!slot_is(slot, number) || slot->state != SLOT_READY ||
	    clock_mono_ns() - slot->begun_ns > AGE_NS)
		return -1;
	while (opens.head != number)
		opens_skip(false);
	fd = handover_take(number, close_on_exec);
	/* the socket is not as we left it */
	if (fd < 0 && fd != -EMFILE)
		store_relaxed(&opens_stopped, true);
	opens_use(fd >= 0);
	return fd < 0 ? -1 : fd;
}

int rawcache_open_ahead(int dir, const char *path, int flags, const struct rawcache_opener *opener)
{
	struct opens_slot *slot = NULL;
	struct critical critical;
	struct statx opened;
	uint32_t number = 0;
	bool ready = false;
	int fd = -1;

	opens_lock(&critical);
	if (opens.opener.rights != opener->rights)
		opens_end(false);
	else
		slot = slot_find(path, flags & ~O_CLOEXEC, opener->heard);
	if (slot) {
		number = slot->number;
		ready = slot_await(slot, number, &critical);
		opened = slot->stx;
	}
	opens_unlock(&critical);
	if (!ready || !opens_name_is(dir, path, flags, &opened))
		return -1;
	opens_lock(&critical);
	fd = opens_take(slot, number, flags & O_CLOEXEC);
	opens_unlock(&critical);
	return fd;
}

at_start void rawcache_opens_drop(bool wait)
{
	const struct timespec nap = { .tv_nsec = CLOSE_NAP_NS };
	struct critical critical;
	uint64_t end;

	if (load_relaxed(&opens.state) == OPENS_NOTHING && !opens_closing())
		return;
	end = clock_coarse_ms() + ORIGIN_CLOSE_MS;
	opens_lock(&critical);
	/* a program that forks after each file would have its directory listed each time */
	if (opens.state != OPENS_NOTHING && !opens.follows_last && opens.hits < TRUST_HITS) {
		opens.trusted = false;
		opens.refused = opens.directory;
	}
	opens_end(false);
	opens_unlock(&critical);
	while (wait && opens_closing() && clock_coarse_ms() < end)
		sys_nanosleep(&nap);
}

void rawcache_opens_stop(void)
{
	store_relaxed(&opens_stopped, true);
	rawcache_opens_drop(true);
}
