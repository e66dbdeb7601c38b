/* SPDX-License-Identifier: MIT */
#include "base/proctable.h"

#include <stdlib.h>
#include <string.h>

#include "base/lines.h"

/* begin-end protection offset major:minor inode path */
bool vma_parse(const char *line, struct vma *vma)
{
	char *next;

	vma->start = strtoul(line, &next, 16);
	vma->end = *next == '-' ? strtoul(next + 1, &next, 16) : 0;
	if (vma->end <= vma->start || *next != ' ')
		return false;
	strncpy(vma->protection, next + 1, sizeof(vma->protection) - 1);
	vma->protection[sizeof(vma->protection) - 1] = '\0';
	next = strchr(next + 1, ' ');
	if (!next)
		return false;
	vma->offset = strtoul(next, &next, 16);
	vma->device = (uint64_t)strtoul(next, &next, 16) << 32;
	vma->device |= *next == ':' ? strtoul(next + 1, &next, 16) : 0;
	vma->inode = strtoul(next, &next, 10);
	return true;
}

struct vma_search {
	uintptr_t at;
	struct vma *vma;
};

static bool vma_has(void *arg, char *line)
{
	const struct vma_search *search = arg;

	return vma_parse(line, search->vma) && search->at >= search->vma->start &&
	       search->at < search->vma->end;
}

bool vma_find(uintptr_t at, struct vma *vma)
{
	struct vma_search search = { at, vma };
	char buf[4096];

	return lines_read("/proc/self/maps", buf, sizeof(buf), vma_has, &search) == LINES_ENOUGH;
}

bool path_is_removed(const char *path, size_t n)
{
	static const char mark[] = " (deleted)";

	return n >= sizeof(mark) && !strcmp(path + n - (sizeof(mark) - 1), mark);
}

/* The next field of a line, terminated in place; NULL at the end. */
static char *field_next(char **line)
{
	char *field = *line;
	char *space;

	if (!field || !*field)
		return NULL;
	space = strchr(field, ' ');
	if (space)
		*space = '\0';
	*line = space ? space + 1 : NULL;
	return field;
}

/* "36 35 98:0 /root /point options tags... - type source options" */
bool mount_line_parse(char *line, struct mount_line *mount)
{
	const char *id = field_next(&line);
	const char *field;

	field_next(&line); /* the device of the mount */
	mount->device = field_next(&line);
	mount->root = field_next(&line);
	mount->point = field_next(&line);
	mount->point_options = field_next(&line);
	while ((field = field_next(&line)) && strcmp(field, "-"))
		;
	mount->type = field_next(&line);
	mount->source = field_next(&line);
	mount->options = field_next(&line);
	if (!mount->source)
		return false;
	mount->id = strtoull(id, NULL, 10);
	return true;
}

struct mount_search {
	uint64_t id;
	struct mount_line *mount;
};

static bool mount_line_is(void *arg, char *line)
{
	const struct mount_search *search = arg;

	return mount_line_parse(line, search->mount) && search->mount->id == search->id;
}

bool mount_line_find(uint64_t id, char *buf, size_t size, struct mount_line *mount)
{
	struct mount_search search = { id, mount };

	return lines_read("/proc/self/mountinfo", buf, size, mount_line_is, &search) ==
	       LINES_ENOUGH;
}

void mount_field_unescape(char *p)
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
