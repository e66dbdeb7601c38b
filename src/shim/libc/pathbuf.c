/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/libc/pathbuf.h"

#include "base/memory.h"

/* As many as threads are likely to open files at the same instant; others map a page. */
#define COUNT 64

static large_table struct pathbuf buffers[COUNT];
static uint64_t bufs_taken; /* one bit a buffer */

struct pathbuf *pathbuf_get(void)
{
	uint64_t seen = load_relaxed(&bufs_taken);

	while (~seen) {
		unsigned int i = (unsigned int)__builtin_ctzll(~seen);

		if (cas(&bufs_taken, &seen, seen | UINT64_C(1) << i))
			return &buffers[i];
	}
	return memory_map(sizeof(struct pathbuf));
}

void pathbuf_put(struct pathbuf *buf)
{
	size_t i;

	if (buf < buffers || buf >= buffers + COUNT) {
		memory_unmap(buf, sizeof(*buf));
		return;
	}
	i = (size_t)(buf - buffers);
	__atomic_fetch_and(&bufs_taken, ~(UINT64_C(1) << i), __ATOMIC_RELEASE);
}
