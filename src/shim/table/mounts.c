/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/mounts.h"

#include <string.h>

#include "base/lines.h"
#include "base/memory.h"
#include "base/paths.h"
#include "base/proctable.h"
#include "base/sys.h"

#include "shim/table/attach.h"

#define KNOWN 64u   /* mounts; others are looked up in the table each time */
#define PATIENCE 16 /* files that are looked at one by one before it pays to read the table */
/* Directories that are configured; with more, each file is looked at by itself. */
#define ENTRIES 16
/* Bytes that are read at once; a line that does not fit leaves the answer open. */
#define BUFFER 65536u

#define OUTSIDE 1u /* in the lowest bit of the word of a known mount */

static uint64_t known_mounts[KNOWN]; /* number << 1 | OUTSIDE; 0: free */
static uint32_t looked;

/* The word of a mount, or 0. */
static uint64_t known_find(uint64_t mount)
{
	for (uint32_t i = 0; i < KNOWN; i++) {
		uint64_t word = load_relaxed(&known_mounts[(mount + i) % KNOWN]);

		if (!word || word >> 1 == mount)
			return word;
	}
	return 0;
}

static void known_add(uint64_t mount, bool outside)
{
	uint64_t word = mount << 1 | (outside ? OUTSIDE : 0);

	for (uint32_t i = 0; i < KNOWN; i++) {
		uint64_t seen = 0;

		if (cas(&known_mounts[(mount + i) % KNOWN], &seen, word) || seen >> 1 == mount)
			return;
	}
}

/* A configured directory and the mount on which it lies, as far as the table was read. */
struct cover {
	const char *dir;
	size_t length;
	size_t best; /* length of the mount point + 1; 0: none found yet */
	uint64_t mount;
};

struct survey {
	uint64_t mount; /* the mount in question */
	bool found, matters;
	int count;
	struct cover cover[ENTRIES];
};

/* Collect the directories of "DIR:!DIR:..." that are cached. False: too many. */
static bool survey_init(struct survey *survey, uint64_t mount)
{
	memset(survey, 0, sizeof(*survey));
	survey->mount = mount;
	for (const char *p = attach_config.paths, *end; *p; p = *end ? end + 1 : end) {
		size_t n;

		end = strchrnul(p, ':');
		n = (size_t)(end - p);
		if (*p == '!')
			continue;
		if (survey->count == ENTRIES)
			return false;
		survey->cover[survey->count].dir = p;
		survey->cover[survey->count++].length = path_trim(p, n);
	}
	return true;
}

static void survey_mount(struct survey *survey, uint64_t mount, const char *point)
{
	size_t n = strlen(point);

	if (mount == survey->mount)
		survey->found = true;
	for (int i = 0; i < survey->count; i++) {
		struct cover *c = &survey->cover[i];

		if (mount == survey->mount && path_below(point, n, c->dir, c->length))
			survey->matters = true;
		/* of two mounts at one point, the later one is on top */
		if (path_below(c->dir, c->length, point, n) && n + 1 >= c->best) {
			c->best = n + 1;
			c->mount = mount;
		}
	}
}

static bool survey_line(void *arg, char *line)
{
	struct mount_line mount;

	if (mount_line_parse(line, &mount)) {
		mount_field_unescape(mount.point);
		survey_mount(arg, mount.id, mount.point);
	}
	return false;
}

/* Find out about the mount with this number in the table. Returns true if it does not matter. */
static bool survey_outside(uint64_t mount)
{
	char *buf = memory_map(BUFFER);
	struct survey survey;
	bool outside = false;

	if (buf && survey_init(&survey, mount) &&
	    !lines_read("/proc/self/mountinfo", buf, BUFFER, survey_line, &survey)) {
		outside = survey.found && !survey.matters;
		for (int i = 0; i < survey.count; i++)
			if (survey.cover[i].mount == mount)
				outside = false;
	}
	memory_unmap(buf, BUFFER);
	return outside;
}

bool mounts_outside(int fd, const struct statx *stx)
{
	uint64_t word = known_find(stx->stx_mnt_id);
	struct statx plain;
	bool outside;

	if (word)
		return word & OUTSIDE;
	if (!stx->stx_mnt_id || stx->stx_mnt_id >> 62 || fetch_add(&looked, 1) < PATIENCE)
		return false;
	/* the table has the old, short numbers */
	if (sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &plain) ||
	    !(plain.stx_mask & STATX_MNT_ID))
		return false;
	outside = survey_outside(plain.stx_mnt_id);
	known_add(stx->stx_mnt_id, outside);
	return outside;
}
