/* SPDX-License-Identifier: MIT */
/*
 * For the summary two looks at the counters do. For the page a thread looks at them all the time; it
 * handles no signals, which are the program's.
 */
#include "cli/watched.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/command.h"
#include "cli/figures.h"
#include "cli/page.h"
#include "cli/say.h"
#include "cli/summary.h"

#define LOOK_MS 100u /* more when the program runs for longer: see history_note() */

struct page_watcher {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool over;
	bool failed; /* and said so: it looks no more */
	struct page_file page;
};

int watched_failed(const char *name, int err)
{
	if (err == ENOENT && strchr(name, '/') && !access(name, F_OK))
		say_refusal("cannot run %s: its interpreter is missing; "
			    "look at its first line, or at `file %s`",
			    name, name);
	else if (err == ENOENT)
		say_refusal("cannot run %s: there is no such program; look at its name and at PATH",
			    name);
	else
		say_refusal(
			"cannot run %s: %s; see that it is a program and that this user may execute it",
			name, strerror(err));
	return err == ENOENT ? STATUS_NOT_FOUND : STATUS_CANNOT_RUN;
}

static void time_add(struct timespec *t, uint64_t ms)
{
	uint64_t ns = (uint64_t)t->tv_nsec + ms % 1000 * 1000000;

	t->tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
	t->tv_nsec = (long)(ns % 1000000000);
}

static void *watched_work(void *arg)
{
	struct page_watcher *watcher = arg;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&watcher->lock);
	while (!watcher->over && !watcher->failed) {
		time_add(&next, watcher->page.history.step_ms);
		while (!watcher->over &&
		       !pthread_cond_timedwait(&watcher->ended, &watcher->lock, &next))
			;
		if (!watcher->over)
			watcher->failed = page_file_look(&watcher->page) != GO_ON;
	}
	pthread_mutex_unlock(&watcher->lock);
	return NULL;
}

static int watcher_begin(struct page_watcher *watcher)
{
	pthread_condattr_t attributes;
	sigset_t all, before;
	int err;

	pthread_mutex_init(&watcher->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watcher->ended, &attributes);
	pthread_condattr_destroy(&attributes);
	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* see main() */
	pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(&watcher->thread, NULL, watched_work, watcher);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? say_refusal(
			     "cannot start a thread: %s; raise the limit (ulimit -u), or leave --report out",
			     strerror(err)) :
		     GO_ON;
}

static void watcher_end(struct page_watcher *watcher)
{
	pthread_mutex_lock(&watcher->lock);
	watcher->over = true;
	pthread_cond_signal(&watcher->ended);
	pthread_mutex_unlock(&watcher->lock);
	pthread_join(watcher->thread, NULL);
}

static void gained_print(const struct rawcache_stats *before, const struct rawcache_stats *after)
{
	struct rawcache_stats gained;

	figures_subtract(&gained, after, before);
	summary_print(&gained);
}

/* The program's status is the command's, whatever becomes of the page: what went wrong is said. */
static int run_reported(const struct watched *watched, struct page_watcher *watcher, char **argv)
{
	struct page_file *page = &watcher->page;
	int status = watcher_begin(watcher);
	int code;

	if (status != GO_ON)
		return status;
	code = child_run(argv);
	watcher_end(watcher);
	if (code < 0)
		return watched_failed(argv[0], -code);
	if (watcher->failed || page_file_look(page) != GO_ON)
		return code;
	page_file_write(page, argv, code);
	if (watched->summary)
		gained_print(&page->history.point[0].stats, &page->newest.total);
	return code;
}

static int run_summed(const struct watched *watched, char **argv)
{
	struct sample before, after;
	int status = sample_take(watched->target, &before);
	int code;

	if (status != GO_ON)
		return status;
	code = child_run(argv);
	if (code < 0) {
		code = watched_failed(argv[0], -code);
	} else if (sample_take(watched->target, &after) == GO_ON) {
		gained_print(&before.total, &after.total);
		sample_free(&after);
	}
	sample_free(&before);
	return code;
}

int watched_run(const struct watched *watched, char **argv)
{
	struct page_watcher watcher = { 0 };
	int status;

	if (!watched->report)
		return run_summed(watched, argv);
	status = page_file_open(&watcher.page, watched->target, watched->report, LOOK_MS);
	if (status == GO_ON)
		status = page_file_look(&watcher.page);
	if (status == GO_ON)
		status = run_reported(watched, &watcher, argv);
	page_file_close(&watcher.page);
	return status;
}
