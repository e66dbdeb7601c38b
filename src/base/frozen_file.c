/* SPDX-License-Identifier: MIT */
/* The file of a record. */
#include "base/frozen.h"

#include <errno.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/size.h"
#include "base/uuid.h"

int frozen_name(const char *image, const char *path, char *buf, size_t n)
{
	static const char digits[] = "0123456789abcdef", middle[] = ".frozen-";
	uint64_t hash = XXH3_64bits(path, strlen(path));
	size_t length = strlen(image);

	if (length + sizeof(middle) + 16 > n)
		return -ENAMETOOLONG;
	memcpy(buf, image, length);
	memcpy(buf + length, middle, sizeof(middle) - 1);
	length += sizeof(middle) - 1;
	for (int i = 0; i < 16; i++)
		buf[length++] = digits[hash >> (60 - 4 * i) & 15];
	buf[length] = '\0';
	return 0;
}

static bool header_right(const struct frozen_header *header, uint64_t bytes, const char *path)
{
	uint64_t count = header->count;

	if (memcmp(header->magic, FROZEN_MAGIC, sizeof(header->magic)) ||
	    header->version != FROZEN_VERSION || header->node_bytes != sizeof(struct frozen_node) ||
	    header->file_bytes != bytes ||
	    XXH3_64bits(header, offsetof(struct frozen_header, hash)) != header->hash ||
	    header->place_bits > 32 || memchr(header->path, '\0', sizeof(header->path)) == NULL)
		return false;
	return count && !strcmp(header->path, path) && header->mount_length <= strlen(path) &&
	       range_inside(header->nodes_at, count * sizeof(struct frozen_node), bytes) &&
	       range_inside(header->places_at, sizeof(uint32_t) << header->place_bits, bytes) &&
	       range_inside(header->touched_at, count * 2, bytes) &&
	       range_inside(header->names_at, header->names_bytes, bytes);
}

/* The writer of the file decides what programs see: it must be this user's own. */
static int file_trusted(int fd, uint64_t *bytes)
{
	struct statx stx;
	int err = sys_fstatx(fd, &stx);

	if (err)
		return err;
	*bytes = stx.stx_size;
	if (!S_ISREG(stx.stx_mode) || !sys_fd_is_ours(fd, &stx) || stx.stx_mode & 0022)
		return -EPERM;
	return *bytes > FROZEN_HEADER ? 0 : -EINVAL;
}

static int frozen_map(struct frozen *frozen, int fd, const char *path)
{
	int err = file_trusted(fd, &frozen->bytes);
	void *map;

	if (err)
		return err;
	if (sys_pread(fd, &frozen->header, sizeof(frozen->header), 0) != sizeof(frozen->header) ||
	    !header_right(&frozen->header, frozen->bytes, path))
		return -EINVAL;
	if (frozen->header.thawed)
		return -ESTALE;
	map = sys_mmap(NULL, frozen->bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (sys_is_error(map))
		return -ENOMEM;
	store_release(&frozen->map, map);
	return 0;
}

int frozen_open(struct frozen *frozen, const char *name, const char *path)
{
	int fd = sys_openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	int err;

	frozen->map = NULL;
	if (fd < 0)
		return fd;
	err = frozen_map(frozen, fd, path);
	sys_close(fd);
	return err;
}

void frozen_close(struct frozen *frozen)
{
	if (frozen->map)
		sys_munmap((void *)frozen->map, frozen->bytes);
	frozen->map = NULL;
}

uint64_t frozen_age(const struct frozen *frozen)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME), made = frozen->header.made_boot;
	uint8_t boot[16];

	/* for a record of an earlier boot only the wall clock tells the age, and it may have been set back */
	if (boot_id_read(boot) || memcmp(boot, frozen->header.boot, sizeof(boot))) {
		now = clock_real_ns();
		made = frozen->header.made_real;
	}
	return now >= made ? now - made : UINT64_MAX;
}

int frozen_touch(const struct frozen *frozen, const char *name, uint32_t number,
		 enum frozen_part part)
{
	static const uint32_t yes = 1;
	int fd = sys_openat(AT_FDCWD, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	uint64_t id = 0;
	ssize_t n;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	n = sys_pread(fd, &id, sizeof(id), offsetof(struct frozen_header, hash));
	/* the file is another record by now, whose numbers stand for other files: end the whole of it */
	if (number == FROZEN_NONE || n != sizeof(id) || id != frozen->header.hash)
		n = sys_pwrite(fd, &yes, sizeof(yes), offsetof(struct frozen_header, thawed));
	else
		n = sys_pwrite(fd, &yes, 1, frozen->header.touched_at + 2ull * number + part);
	sys_close(fd);
	return n < 0 ? (int)n : 0;
}

/* Parse "90", "90s", "10m", "2h" or "7d" of `n` bytes into ns. Returns false for anything else. */
static bool duration_parse(const char *text, size_t n, uint64_t *ns)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	uint64_t factor = 1;
	char number[16];
	uint64_t milli;

	if (!n || n >= sizeof(number))
		return false;
	memcpy(number, text, n);
	number[n] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (number[n - 1] == units[i].unit) {
			factor = units[i].seconds;
			number[n - 1] = '\0';
			break;
		}
	if (milli_parse(number, &milli) || milli > UINT32_MAX)
		return false;
	*ns = milli * factor * 1000000;
	return true;
}

size_t frozen_entry(const char *text, size_t n, uint64_t *ns)
{
	*ns = UINT64_MAX;
	for (size_t i = n; i > 1; i--)
		if (text[i - 1] == '=')
			return duration_parse(text + i, n - i, ns) ? i - 1 : n;
	return n;
}
