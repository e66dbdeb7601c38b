/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/mounts.h"

#include <string.h>

#include "base/memory.h"
#include "base/paths.h"
#include "base/sys.h"

#include "shim/table/attach.h"

#define KNOWN 64u
#define PATIENCE 16 /* files that are looked at one by one before it pays to read the table */
#define ENTRIES 16
#define BUFFER 65536u

#define OUTSIDE 1u /* in the lowest bit of a known mount's word */

static uint64_t known[KNOWN]; /* number << 1 | OUTSIDE; 0: free */
static uint32_t looked;

/* The word of a mount, or 0. */
static uint64_t known_find(uint64_t mount)
{
	for (uint32_t i = 0; i < KNOWN; i++) {
		uint64_t word = load_relaxed(&known[(mount + i) % KNOWN]);

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

		if (cas(&known[(mount + i) % KNOWN], &seen, word) || seen >> 1 == mount)
			return;
	}
}

/* A configured directory and the mount that covers it, as far as the table was read. */
struct cover {
	const char *dir;
	size_t length;
	size_t best; /* length of the mount point + 1, 0: none yet */
	uint64_t mount;
};

struct survey {
	uint64_t mount; /* the one in question */
	bool found, matters;
	int count;
	struct cover cover[ENTRIES];
};

/* The directories of "DIR:!DIR:..." that are cached; false: too many. */
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
		while (n > 1 && p[n - 1] == '/')
			n--;
		survey->cover[survey->count].dir = p;
		survey->cover[survey->count++].length = n;
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
		/* of two on one point the later one is on top */
		if (path_below(c->dir, c->length, point, n) && n + 1 >= c->best) {
			c->best = n + 1;
			c->mount = mount;
		}
	}
}

/* "\040" and its like stand for what would break the line. */
static void unescape(char *p)
{
	char *to = p;

	for (; *p; to++) {
		if (p[0] == '\\' && p[1] && p[2] && p[3]) {
			*to = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
			p += 4;
		} else {
			*to = *p++;
		}
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options ...": proc(5) */
static void survey_line(struct survey *survey, char *line)
{
	uint64_t mount = 0;
	char *point = line;
	char *end;

	for (; *line >= '0' && *line <= '9'; line++)
		mount = mount * 10 + (uint64_t)(*line - '0');
	for (int field = 0; field < 4 && point; field++) {
		point = strchr(point, ' ');
		point = point ? point + 1 : NULL;
	}
	end = point ? strchr(point, ' ') : NULL;
	if (!end)
		return;
	*end = '\0';
	unescape(point);
	survey_mount(survey, mount, point);
}

/* Read the table; false if it could not be read to its end. */
static bool survey_read(struct survey *survey, char *buf)
{
	int fd = sys_openat(AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC, 0);
	size_t have = 0;
	ssize_t n = -1;

	while (fd >= 0 && have < BUFFER - 1 &&
	       (n = sys_read(fd, buf + have, BUFFER - 1 - have)) > 0) {
		char *line = buf;
		char *end;

		have += (size_t)n;
		buf[have] = '\0';
		for (; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			survey_line(survey, line);
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
	}
	if (fd >= 0)
		sys_close(fd);
	return !n && !have;
}

/* Find out about the mount with this number in the table; true: it does not matter. */
static bool survey_outside(uint64_t mount)
{
	char *buf = memory_map(BUFFER);
	struct survey survey;
	bool outside = false;

	if (buf && survey_init(&survey, mount) && survey_read(&survey, buf)) {
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
