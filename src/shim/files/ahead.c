/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/files/ahead.h"

#include <errno.h>
#include <pthread.h>

#include "base/stack.h"

#include "shim/files/names_look.h"
#include "shim/libc/pathbuf.h"
#include "shim/libc/thread.h"
#include "shim/table/attach.h"
#include "shim/table/handle.h"
#include "shim/table/news.h"
#include "shim/table/process.h"
#include "shim/table/who.h"

/* False: the rights of threads may differ. */
static bool opener_now(struct rawcache_opener *opener)
{
	struct news_heard heard = news_heard_now();
	struct who who;

	opener->heard = news_told(&heard);
	if (!who_now(&who))
		return false;
	opener->rights = who.changes;
	return true;
}

int ahead_open_slow(int dir, const char *path, int flags)
{
	int saved = errno;
	struct pathbuf *buf;
	int fd = -1;

	if (flags & ~(RAWCACHE_OPEN_FLAGS | O_CLOEXEC) || !load_relaxed(&attach_active) ||
	    process_seems_foreign() || !stack_is_own())
		return -1;
	pthread_testcancel();
	if (!thread_enter())
		return -1;
	buf = pathbuf_get();
	if (buf) {
		struct rawcache_opener opener;

		if (opener_now(&opener) && names_path_copy(buf, path))
			fd = rawcache_open_ahead(dir, buf->path, flags, &opener);
		pathbuf_put(buf);
	}
	thread_leave();
	errno = saved;
	return fd;
}

/* An open that is made ahead sees what the program's would only where files stay as they are: docs/design.md. */
static bool ahead_wanted(void)
{
	bool on = attach_config.openahead == CONFIG_AUTO ? attach_config.trust :
							   attach_config.openahead;

	return on && attach_config.revalidate_ms != CONFIG_REVALIDATE_SYNC;
}

void ahead_seen(const struct handle *handle, const char *path, int flags, uint64_t ns)
{
	struct rawcache_opened opened = { .path = path, .flags = flags, .ns = ns };
	struct rawcache_opener opener;

	if (!ahead_wanted() || !handle || handle_is_writer(handle) ||
	    (flags & O_ACCMODE) != O_RDONLY)
		return;
	ahead_order_note(path);
	opened.directory = handle->directory;
	if (rawcache_open_seen(&opened) && opener_now(&opener))
		rawcache_open_follow(attach_cache_now(), &opened, &opener);
}
