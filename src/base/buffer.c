/* SPDX-License-Identifier: MIT */
#include "base/buffer.h"

#include <stddef.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/sys.h"

/* Each place holds a free buffer or NULL: taken and given back by exchange, without a lock. */
#define KEPT 48 /* as many as there are fetches (FETCHES): a stream of them maps no memory */
/* Nothing can be written behind a buffer: the largest page size of any kernel. */
#define GUARD_BYTES (64u << 10)
static char *kept_buffers[KEPT];

/* A read that asks for too much must not end in the next buffer, which may hold bytes of another file. */
static char *buffer_map(void)
{
	char *buffer = sys_reserve(NULL, BUFFER_BYTES + GUARD_BYTES, 0);

	if (sys_is_error(buffer))
		return NULL;
	if (SYS_CALL(__NR_mprotect, buffer, BUFFER_BYTES, PROT_READ | PROT_WRITE, 0, 0, 0)) {
		memory_unmap(buffer, BUFFER_BYTES + GUARD_BYTES);
		return NULL;
	}
	return buffer;
}

char *buffer_get(void)
{
	for (int i = 0; i < KEPT; i++) {
		char *buffer = load_relaxed(&kept_buffers[i]);

		if (buffer && cas(&kept_buffers[i], &buffer, NULL))
			return buffer;
	}
	return buffer_map();
}

void buffer_put(char *buffer)
{
	if (!buffer)
		return;
	for (int i = 0; i < KEPT; i++) {
		char *none = NULL;

		if (!load_relaxed(&kept_buffers[i]) && cas(&kept_buffers[i], &none, buffer))
			return;
	}
	memory_unmap(buffer, BUFFER_BYTES + GUARD_BYTES);
}
