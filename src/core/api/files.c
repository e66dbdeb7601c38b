/* SPDX-License-Identifier: MIT */
/* Closing a handle: what was fetched for it is stored first. */
#include <rawcache/file.h>

#include "base/compiler.h"
#include "core/fill/fetch.h"
#include "core/origin/file.h"
#include "core/origin/io.h"

void rawcache_file_put(struct rawcache *cache, uint64_t handle)
{
	struct file *file = file_at(cache, handle);

	if (!file)
		return;
	/* the program may end now: what it has read last must be stored, and not be dropped with the file */
	fetch_settle(file, false);
	if (unlikely(load_relaxed(&file->opened_by_helpers)) &&
	    load_relaxed(&file->references) - load_relaxed(&file->fetching) == 1)
		io_forget(file);
	file_release(cache, file);
}
