/* SPDX-License-Identifier: MIT */
#include "fuzz.h"

#include <string.h>

void fuzz_overlay(const uint8_t *data, size_t n, void *to, size_t room, size_t grain)
{
	while (n > 3) {
		size_t at = (size_t)(data[0] | data[1] << 8) * grain % room;
		size_t length = data[2] % 64u + 1;

		data += 3;
		n -= 3;
		if (length > n)
			length = n;
		if (length > room - at)
			length = room - at;
		memcpy((char *)to + at, data, length);
		data += length;
		n -= length;
	}
}
