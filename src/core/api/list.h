/* SPDX-License-Identifier: MIT */
/* All caches that this process has attached. */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include <pthread.h>

#include "base/compiler.h"
#include "core/shared/cache.h"

/* All of them are looked after in fork(). Changed under caches_lock; no other lock is taken inside. */
extern struct rawcache *caches;
extern pthread_mutex_t caches_lock;

/* What this thread is attaching or letting go of: nobody else knows it. For rawcache_handle_fault(). */
extern tls_initial struct rawcache *cache_unlisted;

void caches_add(struct rawcache *cache);
void caches_remove(struct rawcache *cache);

/* fork.c: once, for a program whose forks nobody else announces. */
void fork_handlers_register(void);

#endif
