/* SPDX-License-Identifier: MIT */
/*
 * The thread that answers writers (watch.h), and looks now and then whether files that are mapped from the image
 * have changed (shown.h). It lives as long as there are such files.
 */
#ifndef CORE_WATCHER_H
#define CORE_WATCHER_H

struct rawcache;

/* Make sure that the cache has a watcher, which stays as long as files are mapped from it. 0 or -errno. */
int watcher_need(struct rawcache *cache);

/*
 * Make all mappings the origin's, and let the thread end soon: the program is about to do something for which no
 * such thread may exist. The next mapping makes it anew.
 */
void watcher_dismiss(struct rawcache *cache);

/*
 * Let the thread end soon; mappings stay. No mapping of the image is made until watcher_resume(), which makes a
 * thread.
 */
void watcher_pause(struct rawcache *cache);
void watcher_resume(struct rawcache *cache);

/* The cache is being detached: wait until its watcher has ended. */
void watcher_drop(struct rawcache *cache);

void watcher_fork_prepare(void);
void watcher_fork_parent(void);
void watcher_fork_child(void);

/* In a fork child, without any lock: make a watcher for inherited mappings. */
void watcher_fork_anew(struct rawcache *cache);

#endif
