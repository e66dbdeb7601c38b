/* SPDX-License-Identifier: MIT */
/* The boot id of the kernel, and identifiers as text. */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdint.h>

/* The boot id of the kernel; RAWCACHE_TEST_BOOT_ID replaces it in tests. */
int boot_id_read(uint8_t boot_id[16]);

void uuid_format(const uint8_t uuid[16], char text[37]);

#endif
