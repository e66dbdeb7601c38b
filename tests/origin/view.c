/* SPDX-License-Identifier: MIT */
/*
 * Attributes as the mount shows them.
 *
 * sshfs and rclone remember what their servers said of a path for a while, and answer the kernel
 * from that: `--stale` does so, and `--stale-open` forgets it when the file is opened, as sshfs
 * does. The bytes are always those that the file has. `--seconds` shows whole seconds and no change
 * time of its own, `--clock` what a server with a wrong clock would.
 */
#define _GNU_SOURCE 1
#include "view.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#include "wait.h"

#define NSEC_PER_SEC 1000000000LL

struct seen {
	char *path;
	struct stat st;
	int64_t until; /* wait_now() */
	UT_hash_handle hh;
};

static const struct options *options;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct seen *table;

void view_init(const struct options *given)
{
	options = given;
}

static void time_show(struct timespec *time)
{
	time->tv_sec += options->clock_s;
	if (options->seconds)
		time->tv_nsec = 0;
}

static void seen_add(const char *path, const struct stat *st)
{
	struct seen *seen = calloc(1, sizeof(*seen));

	if (!seen)
		return;
	seen->path = strdup(path);
	HASH_ADD_KEYPTR(hh, table, seen->path, strlen(seen->path), seen);
	seen->st = *st;
	seen->until = wait_now() + (int64_t)(options->stale * NSEC_PER_SEC);
}

/* Under the lock: what the table has of a path replaces @st, or the other way round. */
static void table_show(const char *path, struct stat *st)
{
	struct seen *seen;

	HASH_FIND_STR(table, path, seen);
	if (!seen) {
		seen_add(path, st);
	} else if (wait_now() >= seen->until) {
		seen->st = *st;
		seen->until = wait_now() + (int64_t)(options->stale * NSEC_PER_SEC);
	} else if (S_ISREG(st->st_mode)) {
		*st = seen->st;
	}
}

void view_show(struct node *node, const char *name, struct stat *st)
{
	char path[PATH_MAX];

	if (options->stale > 0) {
		node_path(node, name, path, sizeof(path));
		pthread_mutex_lock(&lock);
		table_show(path, st);
		pthread_mutex_unlock(&lock);
	}
	time_show(&st->st_mtim);
	time_show(&st->st_ctim);
	if (options->seconds)
		st->st_ctim = st->st_mtim;
}

void view_opened(struct node *node)
{
	struct seen *seen;
	char path[PATH_MAX];

	if (!options->stale_open)
		return;
	node_path(node, NULL, path, sizeof(path));
	pthread_mutex_lock(&lock);
	HASH_FIND_STR(table, path, seen);
	if (seen)
		seen->until = 0;
	pthread_mutex_unlock(&lock);
}
