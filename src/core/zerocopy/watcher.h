/* SPDX-License-Identifier: MIT */
/*
 * The thread that answers writers (watch.h), and looks now and then whether files that are mapped from
 * the image have changed (shown.h). It lives as long as there are any.
 */
#ifndef CORE_WATCHER_H
#define CORE_WATCHER_H

struct rawcache;

/* There is a watcher of the cache from now on, for as long as it shows files. 0 or -errno. */
int watcher_need(struct rawcache *cache);

/*
 * All mappings become the origin's, and the thread ends soon: it may not be there for what the program
 * is about to do. It comes back for the next mapping.
 */
void watcher_dismiss(struct rawcache *cache);

/* A cache goes away: waits until the thread has left it. */
void watcher_drop(struct rawcache *cache);

void watcher_fork_prepare(void);
void watcher_fork_parent(void);
void watcher_fork_child(void);

/* In the child, when no lock is held any more: a thread for what it has inherited. */
void watcher_fork_anew(struct rawcache *cache);

#endif
