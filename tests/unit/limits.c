/* SPDX-License-Identifier: MIT */
#include "unit/limits.h"

char limits_image[512];
char limits_data[512];

int limits_setup(void **state)
{
	(void)state;
	snprintf(limits_image, sizeof(limits_image), "%s", scratch_path("limits.image"));
	snprintf(limits_data, sizeof(limits_data), "%s", scratch_path("data"));
	unlink(limits_image);
	image_make(limits_image, TEST_IMAGE_BYTES);
	file_write(limits_data, 1, 1, SIZE);
	usleep(40000);
	return 0;
}

bool read_ok(struct rawcache *cache)
{
	static char buf[SIZE];
	int fd = open_or_die(limits_data, O_RDONLY);
	uint64_t file = 0;
	ssize_t n = -1;
	int err = file_open_fd(cache, fd, &file);

	if (!err)
		n = rawcache_file_read(cache, file, fd, buf, SIZE, 0);
	else if (err == -ENOMEM) /* no room for what it would learn: the origin, as the shim does */
		n = pread(fd, buf, SIZE, 0);
	if (file)
		rawcache_file_put(cache, file);
	close(fd);
	return n == SIZE && pattern_check(buf, SIZE, 1, 1, 1, 0) == SIZE;
}

int attach_in(const char *dir, struct rawcache **cache, enum rawcache_reason *reason)
{
	struct rawcache_options options;

	options_for(&options, limits_image);
	if (dir)
		options.runtime_dir = dir;
	return rawcache_attach(&options, cache, reason);
}

int in_child(int (*body)(void))
{
	int status = 0;
	pid_t pid = child_fork();

	if (!pid)
		_exit(body());
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void body_attach(void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < SLOTS_EACH; i++)
		attach(limits_image);
}
