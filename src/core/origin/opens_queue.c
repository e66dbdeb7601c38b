/* SPDX-License-Identifier: MIT */
#include "core/origin/opens_queue.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/stats.h"
#include "core/origin/handover.h"

/* Of all files that the program opens, this share at most is opened in opened_vain. */
#define VAIN_SHARE 10u
#define VAIN_MIN 2u /* fewer opens under way are not worth a helper */
/* Opens of this many files are timed. Faster ones than this, and the kernel has no need of us. */
#define TIMED 8u
#define TIMED_NS 100000u
/* An order of the last run gains less than a scan's: at 0.2 ms a request it cost a quarter (docs/measurements.md). */
#define LAST_RUN_NS 800000u
/* The program has not asked for its next file for so long: it does something else. */
#define IDLE_NS UINT64_C(400000000)

struct opens opens;
/* Few programs have files opened ahead; those that have none touch no page of these. */
large_table struct opens_slot opens_slots[OPENS_SLOTS];
uint32_t rawcache_opens_waiting;
bool opens_stopped;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t counted;     /* files that the program has opened */
static uint32_t opened_vain; /* files that were opened for nothing */
static uint32_t timed;
static uint64_t timed_ns;
static int openers_error;
static struct pool_job listing_job;
static bool listing_busy;   /* a helper lists opens.path */
static uint32_t busy_slots; /* a bit each: a helper has it, or will; it cannot be used anew */

static void helper_first(void);
static void openers_work(struct pool *pool);

static struct pool openers = { .work = openers_work,
			       .begin = helper_first,
			       .limit = OPENS_HELPERS,
			       .lock = PTHREAD_MUTEX_INITIALIZER };

void opens_lock(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&lock);
}

bool opens_trylock(struct critical *critical)
{
	critical_enter(critical);
	if (!pthread_mutex_trylock(&lock))
		return true;
	critical_leave(critical);
	return false;
}

void opens_unlock(const struct critical *critical)
{
	pthread_mutex_unlock(&lock);
	critical_leave(critical);
}

void opens_count(void)
{
	fetch_add(&counted, 1);
}

/* --- slots, under the lock */

static void slot_set(struct opens_slot *slot, uint32_t state)
{
	store_release(&slot->state, state);
	sys_futex(&slot->state, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL);
}

static uint32_t slot_bit(const struct opens_slot *slot)
{
	return UINT32_C(1) << (slot - opens_slots);
}

static void slot_busy_set(const struct opens_slot *slot, bool busy)
{
	uint32_t others = busy_slots & ~slot_bit(slot);

	store_release(&busy_slots, busy ? others | slot_bit(slot) : others);
}

static void waiting_tell(void)
{
	store_release(&rawcache_opens_waiting, opens.tail - opens.head);
}

static bool slot_sent(const struct opens_slot *slot)
{
	return slot->state == SLOT_SENT || slot->state == SLOT_READY;
}

static void vain_count(void)
{
	opened_vain++;
	stats_add(opens_ahead_unused, 1);
}

void opens_use(bool used)
{
	if (used)
		opens.hits++;
	else
		vain_count();
	slot_set(opens_slot(opens.head++), SLOT_VOID);
	waiting_tell();
}

/* Files that helpers have are counted and closed by them when they see that the slot is void. */
void opens_skip(bool helper)
{
	struct opens_slot *slot = opens_slot(opens.head);

	if (slot_sent(slot)) {
		handover_drop(helper);
		vain_count();
	}
	slot_set(slot, SLOT_VOID);
	opens.head++;
	if ((int32_t)(opens.sent - opens.head) < 0)
		opens.sent = opens.head;
	waiting_tell();
}

void opens_end(bool helper)
{
	while (opens.head != opens.tail)
		opens_skip(helper);
	if (opens.follows_last)
		opens.last_expected = opens.expected;
	else if (opens.state == OPENS_RUNNING)
		dirlist_free(&opens.listing);
	opens.follows_last = false;
	opens.state = OPENS_NOTHING;
}

at_start bool opens_closing(void)
{
	return load_acquire(&listing_busy) || load_acquire(&busy_slots);
}

static bool budget_allows(void)
{
	uint32_t outstanding = opens.tail - opens.head;

	return outstanding < min_u64(OPENS_SLOTS, opens.limit) &&
	       outstanding + opened_vain < max_u64(VAIN_MIN, load_relaxed(&counted) / VAIN_SHARE);
}

static bool slot_queue(struct opens_slot *slot, bool make)
{
	const char *name = dirlist_name(opens_names(), opens.order, opens.next);
	size_t n = strlen(name) + 1;

	if (busy_slots & slot_bit(slot) || opens.length + n > sizeof(slot->path))
		return false;
	memcpy(slot->path, opens.path, opens.length);
	memcpy(slot->path + opens.length, name, n);
	slot->name = (size_t)(strrchr(slot->path, '/') + 1 - slot->path);
	slot->number = opens.tail;
	slot->flags = opens.flags;
	slot->heard = opens.opener.heard;
	slot->fd = -1;
	store_relaxed(&slot->state, SLOT_QUEUED);
	slot_busy_set(slot, true);
	if (!pool_add(&openers, &slot->job, make))
		return true;
	slot_busy_set(slot, false);
	slot_set(slot, SLOT_VOID);
	return false;
}

void opens_issue(bool make)
{
	while (opens.state == OPENS_RUNNING && opens.next < opens_names()->count &&
	       budget_allows() && slot_queue(opens_slot(opens.tail), make)) {
		opens.next++;
		opens.tail++;
		waiting_tell();
	}
}

bool opens_begin(const char *path, size_t length)
{
	if (listing_busy || length >= sizeof(opens.path) || handover_prepare())
		return false;
	memcpy(opens.path, path, length);
	opens.path[length] = '\0';
	opens.length = length;
	opens.hits = 0;
	opens.state = OPENS_LISTING;
	store_release(&listing_busy, true);
	if (!pool_add(&openers, &listing_job, true))
		return true;
	store_release(&listing_busy, false);
	opens.state = OPENS_NOTHING;
	return false;
}

/* --- helpers */

static void helper_first(void)
{
	openers_error = handover_begin();
	if (openers_error)
		store_relaxed(&opens_stopped, true);
}

/* Under the lock: send what has its turn. Returns the sent slots' descriptors, which must be closed. */
static uint32_t slots_send(struct opens_slot **sent)
{
	uint32_t n = 0;

	for (; opens.sent != opens.tail; opens.sent++) {
		struct opens_slot *slot = opens_slot(opens.sent);

		if (slot->state != SLOT_OPEN && slot->state != SLOT_VOID)
			break;
		if (slot->state == SLOT_VOID)
			continue;
		if (handover_put(slot->number, slot->fd)) {
			vain_count();
			slot_set(slot, SLOT_VOID);
		} else {
			slot_set(slot, SLOT_SENT);
		}
		sent[n++] = slot;
	}
	return n;
}

/* Closing may ask the origin, so it is done without the lock; until then the file has two descriptors. */
static void slots_close(struct opens_slot **sent, uint32_t n)
{
	struct critical critical;

	for (uint32_t i = 0; i < n; i++) {
		sys_close(sent[i]->fd);
		opens_lock(&critical);
		if (sent[i]->state == SLOT_SENT)
			slot_set(sent[i], SLOT_READY);
		slot_busy_set(sent[i], false);
		opens_unlock(&critical);
	}
}

/* Under the lock. */
static void opens_time(uint64_t ns)
{
	timed++;
	timed_ns += ns;
	if (timed < TIMED)
		return;
	if (timed_ns / timed < TIMED_NS)
		store_relaxed(&opens_stopped, true);
	opens.differs |= timed_ns / timed < LAST_RUN_NS;
	timed = 0;
	timed_ns = 0;
}

static void slot_serve(struct opens_slot *slot)
{
	struct opens_slot *sent[OPENS_SLOTS];
	struct critical critical;
	uint32_t n = 0;
	int fd = -1;

	opens_lock(&critical);
	if (slot->state == SLOT_QUEUED) {
		store_release(&slot->state, SLOT_RUNNING);
		slot->begun_ns = clock_mono_ns();
		opens_unlock(&critical);
		fd = openers_error ? openers_error : opens_file(slot);
		opens_lock(&critical);
		opens_time(clock_mono_ns() - slot->begun_ns);
	}
	if (fd >= 0)
		stats_add(opens_ahead, 1);
	slot->fd = fd;
	if (slot->state == SLOT_RUNNING)
		slot_set(slot, fd >= 0 ? SLOT_OPEN : SLOT_VOID);
	else if (fd >= 0)
		vain_count();
	if (slot->state == SLOT_VOID && fd >= 0)
		sent[n++] = slot;
	else if (slot->state == SLOT_VOID)
		slot_busy_set(slot, false);
	n += slots_send(sent + n);
	opens_unlock(&critical);
	slots_close(sent, n);
}

static void helper_list(void)
{
	struct dirlist listing = { .names = NULL };
	int err = openers_error ? openers_error : dirlist_read(&listing, opens.path);
	struct critical critical;

	opens_lock(&critical);
	store_release(&listing_busy, false);
	/* if it was ended meanwhile, none was begun since */
	if (!err && opens.state == OPENS_LISTING && opens_order_find(&opens, &listing)) {
		opens.state = OPENS_RUNNING;
		opens.listing = listing;
		/* the program is about to open the next one by itself */
		opens.next = opens.expected + 1;
		opens.misses = 0;
		opens_issue(false);
	} else {
		if (opens.state == OPENS_LISTING)
			opens.state = OPENS_NOTHING;
		opens.trusted = false;
		opens.refused = opens.directory;
		dirlist_free(&listing);
	}
	opens_unlock(&critical);
}

static void helper_idle(void)
{
	struct critical critical;

	opens_lock(&critical);
	if (pool_leaves() || clock_mono_ns() - opens.seen.last_ns > IDLE_NS)
		opens_end(true);
	opens_unlock(&critical);
}

static void openers_work(struct pool *pool)
{
	struct pool_job *job;

	while ((job = pool_next(pool))) {
		if (job == &listing_job)
			helper_list();
		else
			slot_serve(container_of(job, struct opens_slot, job));
	}
	helper_idle();
}

void opens_fork_prepare(void)
{
	pthread_mutex_lock(&lock);
	pool_fork_prepare(&openers);
}

void opens_fork_parent(void)
{
	pool_fork_parent(&openers);
	pthread_mutex_unlock(&lock);
}

void opens_fork_child(void)
{
	handover_fork_child();
	for (uint32_t i = opens.head; i != opens.tail; i++)
		opens_slot(i)->state = SLOT_VOID;
	busy_slots = 0;
	listing_busy = false;
	opens.head = opens.sent = opens.tail;
	rawcache_opens_waiting = 0;
	opens.followed = 0; /* its limit is its own */
	opens_end(false);
	dirlist_forget(&opens.last_run); /* the parent's */
	pool_fork_child(&openers);
	pthread_mutex_unlock(&lock);
}
