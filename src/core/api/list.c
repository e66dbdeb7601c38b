/* SPDX-License-Identifier: MIT */
#include "core/api/list.h"

#include "base/critical.h"

struct rawcache *caches;
pthread_mutex_t caches_lock = PTHREAD_MUTEX_INITIALIZER;
tls_initial struct rawcache *cache_unlisted;

void caches_add(struct rawcache *cache)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&caches_lock);
	cache->next = caches;
	caches = cache;
	pthread_mutex_unlock(&caches_lock);
	critical_leave(&critical);
}

void caches_remove(struct rawcache *cache)
{
	struct critical critical;

	critical_enter(&critical);
	pthread_mutex_lock(&caches_lock);
	for (struct rawcache **p = &caches; *p; p = &(*p)->next) {
		if (*p == cache) {
			*p = cache->next;
			break;
		}
	}
	pthread_mutex_unlock(&caches_lock);
	critical_leave(&critical);
}
