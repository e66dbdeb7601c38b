/* SPDX-License-Identifier: MIT */
/* All caches that this process has attached. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <pthread.h>

#include "base/compiler.h"
#include "core/shared/cache.h"

/* fork() locks all of them. Changed under caches_lock; no other lock is taken inside. */
extern struct rawcache *caches;
extern pthread_mutex_t caches_lock;

/*
 * The cache that this thread is attaching or detaching, which is not in the list: for
 * rawcache_handle_fault().
 */
extern tls_initial struct rawcache *cache_unlisted;

void caches_add(struct rawcache *cache);
void caches_remove(struct rawcache *cache);

/* Called once, for a program that does not announce its forks: fork.c. */
void fork_handlers_register(void);

#endif
