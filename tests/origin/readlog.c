/* SPDX-License-Identifier: MIT */
/*
 * The log of READ requests, one line each.
 *
 * Each line is one write() to an O_APPEND descriptor: lines do not mix, and a
 * test may truncate the file between two steps.
 */
#include "readlog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static int log_fd = -1;

int readlog_open(const char *path)
{
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return log_fd < 0 ? -errno : 0;
}

void readlog_close(void)
{
	if (log_fd >= 0)
		close(log_fd);
	log_fd = -1;
}

void readlog_append(struct node *node, off_t off, size_t size)
{
	char path[PATH_MAX], line[PATH_MAX + 80];
	int len;

	if (log_fd < 0)
		return;
	node_path(node, NULL, path, sizeof(path));
	/* A line is a line, whatever the file is called. */
	for (char *c = path; *c; c++)
		if (*c == '\n')
			*c = '?';
	len = snprintf(line, sizeof(line), "%llu %lld %zu %s\n", (unsigned long long)node->key.ino,
		       (long long)off, size, path);
	if (write(log_fd, line, (size_t)len) != len)
		fprintf(stderr, "origin: cannot write the log\n");
}
