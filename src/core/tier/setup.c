/* SPDX-License-Identifier: MIT */
#include "core/tier/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/paths.h"
#include "base/sys.h"

#define EPOCH_SUFFIX ".epoch"
#define TTL_MAX_S (30u * 24 * 3600) /* memcached takes what is longer for a date */

static bool hex_read(const char *text, uint8_t secret[SEAL_SECRET])
{
	for (size_t i = 0; i < SEAL_SECRET; i++) {
		char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };
		char *end;

		if (pair[0] == '+' || pair[0] == '-' || pair[0] == ' ')
			return false;
		secret[i] = (uint8_t)strtoul(pair, &end, 16);
		if (*end)
			return false;
	}
	return true;
}

static const char *secret_take(int fd, uint8_t secret[SEAL_SECRET])
{
	char text[2 * SEAL_SECRET + 2];
	struct statx stx;
	ssize_t n;

	if (sys_fstatx(fd, &stx) || !S_ISREG(stx.stx_mode))
		return "RAWCACHE_TIER_KEY is not a file";
	if (stx.stx_mode & 077)
		return "others may read the file of RAWCACHE_TIER_KEY: chmod 600 it";
	if (stx.stx_uid && !sys_fd_is_ours(fd, &stx))
		return "the file of RAWCACHE_TIER_KEY is another user's";
	n = sys_read(fd, text, sizeof(text));
	if (n == (ssize_t)SEAL_SECRET) {
		memcpy(secret, text, SEAL_SECRET);
		return NULL;
	}
	if ((n == 2 * SEAL_SECRET || (n == 2 * SEAL_SECRET + 1 && text[n - 1] == '\n')) &&
	    hex_read(text, secret))
		return NULL;
	return "the file of RAWCACHE_TIER_KEY has neither 32 bytes nor 64 hexadecimal digits";
}

static const char *secret_read(const char *path, uint8_t secret[SEAL_SECRET])
{
	const char *why;
	int fd;

	if (!path || !*path)
		return "RAWCACHE_TIER_KEY is not set";
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return "the file of RAWCACHE_TIER_KEY cannot be opened";
	why = secret_take(fd, secret);
	sys_close(fd);
	return why;
}

/* Read what `rawcache tier bump` writes beside the secret: a number, and lines "NUMBER NAME"; or nothing. */
/* Returns false if there is a file that cannot be read: what it has raised must not come back. */
static bool epoch_read(const char *key, struct setup *setup)
{
	char path[4096];
	ssize_t n;
	int fd;

	if (snprintf(path, sizeof(path), "%s" EPOCH_SUFFIX, key) >= (int)sizeof(path))
		return true;
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd == -ENOENT;
	n = sys_read(fd, setup->raised, sizeof(setup->raised) - 1);
	sys_close(fd);
	setup->raised[n > 0 ? n : 0] = '\0';
	setup->epoch = (uint32_t)strtoul(setup->raised, NULL, 10);
	/* a file that is full may have lost lines */
	return n > 0 && n < (ssize_t)sizeof(setup->raised) - 1 && *setup->raised >= '0' &&
	       *setup->raised <= '9';
}

/* What its own line adds for a data set. */
static uint32_t epoch_more(const struct setup *setup, const char *name, size_t n)
{
	const char *line = setup->raised;

	while ((line = strchr(line, '\n'))) {
		char *end;
		unsigned long more = strtoul(++line, &end, 10);

		if (*end == ' ' && !strncmp(end + 1, name, n) && end[1 + n] == '\n')
			return (uint32_t)more;
	}
	return 0;
}

bool setup_name_set(const struct setup *setup, struct setup_name *name, const char *text, size_t n)
{
	if (n >= sizeof(name->name))
		return false;
	memset(name->name, 0, sizeof(name->name));
	memcpy(name->name, text, n);
	name->epoch = setup->epoch + epoch_more(setup, text, n);
	name->hash = XXH3_64bits_withSeed(text, n, name->epoch) | 1;
	return true;
}

/* Parse "DIR=NAME". */
static const char *name_take(const char *text, size_t n, struct setup *setup)
{
	struct setup_name *name = &setup->name[setup->names];
	const char *equals = memrchr(text, '=', n);
	size_t directory = equals ? (size_t)(equals - text) : 0;
	size_t length = equals ? n - directory - 1 : 0;

	if (*text != '/' || directory < 2 || !length)
		return "RAWCACHE_TIER_NAME is not a list like /mnt/a=images:/mnt/b=models";
	directory = path_trim(text, directory);
	if (setup->names == SETUP_NAMES || directory >= sizeof(name->directory) ||
	    length >= sizeof(name->name))
		return "RAWCACHE_TIER_NAME has more than 16 names, or one that is too long";
	memcpy(name->directory, text, directory);
	name->directory[directory] = '\0';
	setup_name_set(setup, name, equals + 1, length);
	setup->given = ++setup->names;
	return NULL;
}

static const char *names_read(const char *list, struct setup *setup)
{
	const char *why = NULL;

	if (!list || !*list)
		return NULL; /* no names are needed: NFS mounts have some */
	for (;;) {
		size_t n = strcspn(list, ":");

		why = name_take(list, n, setup);
		if (why || !list[n])
			return why;
		list += n + 1;
	}
}

int setup_read(const struct rawcache_options *options, struct setup *setup, const char **why)
{
	memset(setup, 0, sizeof(*setup));
	if (servers_parse(options->tier, &setup->servers, why))
		return -EINVAL;
	*why = secret_read(options->tier_key, setup->secret);
	if (*why)
		return -EACCES;
	if (!epoch_read(options->tier_key, setup)) {
		*why = "the epoch file beside the secret cannot be read: let the program's user read it";
		return -EACCES;
	}
	if (options->tier_epoch > setup->epoch)
		setup->epoch = options->tier_epoch;
	setup->loader = (struct seal_loader){ options->library_open, options->library_find };
	if (!setup->loader.open || !setup->loader.find) {
		*why = "options.library_open and options.library_find are not set";
		return -EINVAL;
	}
	setup->ttl = options->tier_ttl < TTL_MAX_S ? options->tier_ttl : TTL_MAX_S;
	setup->prefer = options->tier_prefer;
	setup->read_only = options->tier_mode == RAWCACHE_TIER_READ;
	*why = names_read(options->tier_name, setup);
	return *why ? -EINVAL : 0;
}

const char *setup_rest(const struct setup_name *name, const char *path)
{
	size_t n = strlen(name->directory);

	return path_below(path, strlen(path), name->directory, n) && path[n] == '/' ? path + n + 1 :
										      NULL;
}

const struct setup_name *setup_find(const struct setup *setup, const char *path)
{
	const struct setup_name *best = NULL;

	for (uint32_t i = 0; i < setup->given; i++)
		if (setup_rest(&setup->name[i], path) &&
		    (!best || strlen(setup->name[i].directory) >= strlen(best->directory)))
			best = &setup->name[i];
	return best;
}
