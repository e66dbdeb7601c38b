/* SPDX-License-Identifier: MIT */
#include "unit/unit.h"

#include <fcntl.h>
#include <signal.h>

#include <rawcache/embed.h>

#include "core/index/index.h"
#include "core/shared/cache.h"
#include "pattern.h"

#include "unit/life.h"

char image[512];
char data[512];
struct rawcache *cache;
char buf[SIZE + 100];

static void on_fault(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!rawcache_handle_fault(info->si_addr))
		signal(sig, SIG_DFL);
}

void handle_faults(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* Without threads: what came before it was asked for is no miss, what was read is stored. */
struct rawcache *attach_plain(void)
{
	struct rawcache *plain = attach(image);

	plain->options.io = RAWCACHE_IO_SYNC;
	return plain;
}

int life_begin(void **state)
{
	(void)state;
	snprintf(image, sizeof(image), "%s", scratch_path("life.image"));
	snprintf(data, sizeof(data), "%s", scratch_path("data"));
	unlink(image);
	image_make(image, TEST_IMAGE_BYTES);
	file_write(data, 1, 1, SIZE);
	usleep(40000);
	cache = NULL;
	return 0;
}

int life_end(void **state)
{
	(void)state;
	rawcache_detach(cache);
	unsetenv("RAWCACHE_TEST_BOOT_ID");
	return 0;
}

bool read_ok(void)
{
	int fd = open_or_die(data, O_RDONLY);
	uint64_t file = 0;
	ssize_t n = 0;
	bool right;

	memset(buf, 0, sizeof(buf));
	if (file_open_fd(cache, fd, &file)) /* as the shim does then */
		n = pread(fd, buf, sizeof(buf), 0);
	else
		n = rawcache_file_read(cache, file, fd, buf, sizeof(buf), 0);
	if (file)
		rawcache_file_put(cache, file);
	close(fd);
	right = n == SIZE && pattern_check(buf, SIZE, 1, 1, 1, 0) == SIZE;
	if (!right)
		print_message("read %zd, wrong at %zu\n", n, pattern_check(buf, SIZE, 1, 1, 1, 0));
	return right;
}

struct rawcache_stats totals(void)
{
	struct rawcache_stats stats;

	rawcache_stats_total(cache, &stats, sizeof(stats));
	return stats;
}

/* Flip a byte of each extent that is not the `spare`d one. */
static bool flip(void *arg, const struct key *key, const struct found *found)
{
	int *spare = arg;
	int fd = open_or_die(image, O_RDWR);
	uint64_t at = image_offset(&cache->image, found->page) + found->length / 2;
	char c;

	(void)key;
	if ((*spare)-- != 0) {
		assert_int_equal(pread(fd, &c, 1, (off_t)at), 1);
		c ^= 0x10;
		assert_int_equal(pwrite(fd, &c, 1, (off_t)at), 1);
	}
	close(fd);
	return true;
}

void flip_extents(int spare)
{
	uint64_t stale = 0;
	uint64_t broken = 0;

	index_walk(cache, flip, &spare, &stale, &broken);
}
