/* SPDX-License-Identifier: MIT */
/*
 * The thread that answers writers (watch.h), and looks now and then whether files that are mapped from
 * the image have changed (shown.h). It lives as long as there are any.
 */
#ifndef CORE_WATCHER_H
#define CORE_WATCHER_H

struct rawcache;

/* Make sure that the cache has a watcher, which stays as long as files are mapped from it. 0 or -errno. */
int watcher_need(struct rawcache *cache);

/*
 * All mappings become the origin's, and the thread ends soon: it may not be there for what the program
 * is about to do. It comes back for the next mapping.
 */
void watcher_dismiss(struct rawcache *cache);

/* The thread ends soon, and mappings stay. None is made of the image until watcher_resume(), which makes a thread. */
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
