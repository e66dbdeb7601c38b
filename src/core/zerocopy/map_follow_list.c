/* SPDX-License-Identifier: MIT */
#include "core/zerocopy/map_follow_list.h"

#include "base/compiler.h"
#include "base/critical.h"

struct follow_list follow_list = { .lock = PTHREAD_MUTEX_INITIALIZER };

void follow_list_enter(struct critical *critical)
{
	critical_enter(critical);
	pthread_mutex_lock(&follow_list.lock);
}

void follow_list_leave(const struct critical *critical)
{
	pthread_mutex_unlock(&follow_list.lock);
	critical_leave(critical);
}

void followed_unlink(struct followed *followed)
{
	struct critical critical;

	follow_list_enter(&critical);
	for (struct followed **link = &follow_list.first; *link; link = &(*link)->next)
		if (*link == followed) {
			*link = followed->next;
			store_relaxed(&follow_list.count, follow_list.count - 1);
			break;
		}
	follow_list_leave(&critical);
}
