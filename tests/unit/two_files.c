/* SPDX-License-Identifier: MIT */
#include "unit/two_files.h"

#include <stdio.h>
#include <unistd.h>

char path[512];
struct rawcache *cache;
uint64_t file_a, file_b;
int fd_a, fd_b;

int two_files_make(const char *image, uint64_t image_bytes, size_t bytes)
{
	snprintf(path, sizeof(path), "%s", scratch_path(image));
	unlink(path);
	image_make(path, image_bytes);
	file_write(scratch_path("a"), 1, 1, bytes);
	file_write(scratch_path("b"), 2, 1, bytes);
	cache = NULL;
	return 0;
}

void two_files_attach(void)
{
	cache = attach(path);
	file_a = file_open_path(cache, scratch_path("a"), &fd_a);
	file_b = file_open_path(cache, scratch_path("b"), &fd_b);
}

int two_files_close(void **state)
{
	(void)state;
	rawcache_detach(cache);
	close(fd_a);
	close(fd_b);
	return 0;
}
