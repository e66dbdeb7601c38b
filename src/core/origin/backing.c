/* SPDX-License-Identifier: MIT */
#include "core/origin/backing.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/proctable.h"
#include "base/sys.h"

/*
 * A file that is written twice within one tick of its clock has the same times; some servers have ticks of
 * 1 s.
 */
#define SETTLED_NS (UINT64_C(2) * 1000000000u)
/* Devices that are made of devices are followed to this depth. */
#define MADE_DEPTH 4

/* as getdents64(2) returns it */
struct linux_entry {
	uint64_t inode;
	int64_t next;
	uint16_t bytes;
	uint8_t type;
	char name[];
};

/* Read one line that sysfs has about a block device, at most PATH_MAX bytes. */
static bool sysfs_line(const char *device, const char *name, char *line)
{
	char path[80];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/%s", device, name);
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return false;
	n = sys_read(fd, line, PATH_MAX);
	sys_close(fd);
	if (n < 2 || line[n - 1] != '\n')
		return false;
	line[n - 1] = '\0';
	return true;
}

static bool sysfs_number(const char *device, const char *name, char *line, uint64_t *number)
{
	if (!sysfs_line(device, name, line))
		return false;
	*number = strtoull(line, NULL, 10);
	return true;
}

/*
 * Whether the time is old enough: a file that was written a moment ago may be written again and keep its
 * times.
 */
static bool is_settled(const struct statx_timestamp *time)
{
	return sys_timestamp_ns(time) + SETTLED_NS <= clock_file_ns();
}

/*
 * Whether the file that was opened by the name `path` is the loop device's. The device itself would tell,
 * but only root may open it. If sysfs still names that path afterwards, no other file had the name
 * meanwhile. The name may belong to another mount namespace: a file with that name here is accepted if it
 * has the size.
 */
static bool is_backing(const char *device, const char *path, uint64_t offset, char *line,
		       const struct statx *stx)
{
	uint64_t sectors;

	return S_ISREG(stx->stx_mode) && sysfs_number(device, "size", line, &sectors) &&
	       stx->stx_size >= offset && (stx->stx_size - offset) >> 9 == sectors &&
	       is_settled(&stx->stx_mtime) && is_settled(&stx->stx_ctime) &&
	       sysfs_line(device, "loop/backing_file", line) && !strcmp(line, path) &&
	       !path_is_removed(path, strlen(path));
}

int backing_open(const char *device, char *path, uint64_t *offset, struct statx *stx)
{
	char *line = memory_get(PATH_MAX);
	int fd = -1;

	if (line && sysfs_line(device, "loop/backing_file", path) &&
	    sysfs_number(device, "loop/offset", line, offset))
		fd = sys_openat(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0);
	if (fd >= 0 && (sys_fstatx(fd, stx) || !is_backing(device, path, *offset, line, stx))) {
		sys_close(fd);
		fd = -1;
	}
	memory_put(line, PATH_MAX);
	return fd;
}

/* --- devices that are made */

/* Write the path of the device in /sys/devices, at most PATH_MAX bytes. */
static bool device_place(const char *path, char *place)
{
	ssize_t n = sys_readlinkat(AT_FDCWD, path, place, PATH_MAX - 1);

	if (n <= 0)
		return false;
	place[n] = '\0';
	return true;
}

static bool place_is_made(const char *place)
{
	static const char *const names[] = { "/loop", "/nbd", "/ram", "/zram" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *at = strstr(place, names[i]);

		if (at && at[strlen(names[i])] >= '0' && at[strlen(names[i])] <= '9')
			return true;
	}
	return false;
}

static bool made_below(const char *path, char *buf, int depth);

/*
 * Whether one of the devices that it is made of is such a device. `buf` has 2 * PATH_MAX bytes for each
 * depth.
 */
static bool slaves_made(const char *path, char *buf, int depth)
{
	char *name = buf, *entries = buf + PATH_MAX;
	bool made = false;
	int64_t n;
	int fd;

	snprintf(name, PATH_MAX, "%s/slaves", path);
	fd = sys_openat(AT_FDCWD, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	while (fd >= 0 && !made &&
	       (n = SYS_CALL(__NR_getdents64, fd, entries, PATH_MAX, 0, 0, 0)) > 0) {
		for (int64_t at = 0; at < n && !made;) {
			const struct linux_entry *entry = (const void *)(entries + at);

			at += entry->bytes;
			if (entry->name[0] == '.')
				continue;
			snprintf(name, PATH_MAX, "%s/slaves/%s", path, entry->name);
			made = made_below(name, buf + 2 * PATH_MAX, depth + 1);
		}
	}
	if (fd >= 0)
		sys_close(fd);
	return made;
}

/* Only devices that the kernel makes up lie on others. */
static bool made_below(const char *path, char *buf, int depth)
{
	return depth >= MADE_DEPTH || !device_place(path, buf) || place_is_made(buf) ||
	       (strstr(buf, "/virtual/") && slaves_made(path, buf, depth));
}

bool device_is_made(const char *device)
{
	size_t room = 2 * PATH_MAX * (MADE_DEPTH + 1);
	char *buf = memory_map(room);
	char path[80];
	bool made = true;

	memory_expect(buf, 1, true); /* most devices are made of no others */

	snprintf(path, sizeof(path), "/sys/dev/block/%s", device);
	if (buf)
		made = made_below(path, buf, 0);
	memory_unmap(buf, room);
	return made;
}
