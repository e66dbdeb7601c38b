/* SPDX-License-Identifier: MIT */
/* The boot id of the kernel, and identifiers as text. */
#include "base/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/sys.h"

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int uuid_parse(const char *text, size_t n, uint8_t uuid[16])
{
	int digits = 0;

	memset(uuid, 0, 16);
	for (size_t i = 0; i < n && digits < 32; i++) {
		int d = hex_digit(text[i]);

		if (d < 0)
			continue;
		uuid[digits / 2] = (uint8_t)(uuid[digits / 2] << 4 | d);
		digits++;
	}
	return digits == 32 ? 0 : -EINVAL;
}

static int boot_id_ask(uint8_t boot_id[16])
{
	char text[64];
	ssize_t n;
	int fd;

	fd = sys_openat(AT_FDCWD, "/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	n = sys_read(fd, text, sizeof(text));
	sys_close(fd);
	return n < 0 ? (int)n : uuid_parse(text, (size_t)n, boot_id);
}

/* A process that attaches reads it twice. */
int boot_id_read(uint8_t boot_id[16])
{
	static uint64_t known[2]; /* the same, whichever thread writes it */
	static bool is_known;
	const char *fake = secure_getenv("RAWCACHE_TEST_BOOT_ID");
	uint64_t words[2];
	int err;

	if (fake)
		return uuid_parse(fake, strlen(fake), boot_id);
	if (!load_acquire(&is_known)) {
		err = boot_id_ask(boot_id);
		if (err)
			return err;
		memcpy(words, boot_id, sizeof(words));
		store_relaxed(&known[0], words[0]);
		store_relaxed(&known[1], words[1]);
		store_release(&is_known, true);
	}
	words[0] = load_relaxed(&known[0]);
	words[1] = load_relaxed(&known[1]);
	memcpy(boot_id, words, sizeof(words));
	return 0;
}

void uuid_format(const uint8_t uuid[16], char text[37])
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid[i] >> 4];
		*p++ = digits[uuid[i] & 15];
	}
	*p = '\0';
}
