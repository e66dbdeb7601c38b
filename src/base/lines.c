/* SPDX-License-Identifier: MIT */
#include "base/lines.h"

#include <errno.h>
#include <string.h>

#include "base/sys.h"

struct lines {
	char *buf;
	size_t have; /* bytes in the buffer */
	bool cut;    /* at least one line did not fit */
	bool skip;   /* the next bytes belong to a line that did not fit */
};

static bool line_visit(struct lines *lines, char *line, line_fn *visit, void *arg)
{
	bool skip = lines->skip;

	lines->skip = false;
	return !skip && visit(arg, line);
}

/* Visit the whole lines of the buffer, and a part of a line that fills the buffer. */
static bool lines_visit(struct lines *lines, size_t size, line_fn *visit, void *arg)
{
	char *line = lines->buf;
	char *end;

	lines->buf[lines->have] = '\0';
	for (; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		if (line_visit(lines, line, visit, arg))
			return true;
	}
	lines->have -= (size_t)(line - lines->buf);
	memmove(lines->buf, line, lines->have);
	if (lines->have < size - 1)
		return false;
	lines->have = 0;
	lines->cut = true;
	if (line_visit(lines, lines->buf, visit, arg))
		return true;
	lines->skip = true;
	return false;
}

int lines_read(const char *path, char *buf, size_t size, line_fn *visit, void *arg)
{
	struct lines lines = { .buf = buf };
	int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
	bool enough = false;
	ssize_t n = fd;

	while (fd >= 0 && !enough &&
	       (n = sys_read(fd, buf + lines.have, size - 1 - lines.have)) > 0) {
		lines.have += (size_t)n;
		enough = lines_visit(&lines, size, visit, arg);
	}
	if (fd >= 0)
		sys_close(fd);
	if (enough)
		return LINES_ENOUGH;
	return n ? (int)n : (lines.cut ? -E2BIG : 0);
}
