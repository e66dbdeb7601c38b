/* SPDX-License-Identifier: MIT */
#include "core/buffer.h"

#include <stddef.h>

#include "base/compiler.h"
#include "base/memory.h"

/* Each place holds a free buffer or NULL: taken and given back by exchange, without a lock. */
#define KEPT 48
static char *kept[KEPT];

char *buffer_get(void)
{
	for (int i = 0; i < KEPT; i++) {
		char *buffer = load_relaxed(&kept[i]);

		if (buffer && cas(&kept[i], &buffer, NULL))
			return buffer;
	}
	return memory_map(BUFFER_BYTES);
}

void buffer_put(char *buffer)
{
	if (!buffer)
		return;
	for (int i = 0; i < KEPT; i++) {
		char *none = NULL;

		if (!load_relaxed(&kept[i]) && cas(&kept[i], &none, buffer))
			return;
	}
	memory_unmap(buffer, BUFFER_BYTES);
}
