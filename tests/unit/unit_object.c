/* SPDX-License-Identifier: MIT */
/* Objects by key: rawcache/object.h. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <rawcache/object.h>

#include "child.h"
#include "core/shared/cache.h"
#include "pattern.h"

static struct rawcache *cache;
static char *bytes, *buf;
static size_t max;

static int group_setup(void **state)
{
	(void)state;
	image_make(scratch_path("image"), TEST_IMAGE_BYTES);
	cache = attach(scratch_path("image"));
	max = rawcache_value_max(cache);
	bytes = malloc(max + 1);
	buf = malloc(max + 1);
	for (size_t i = 0; i <= max; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	rawcache_detach(cache);
	free(bytes);
	free(buf);
	return 0;
}

static void stores_and_looks_up_every_length(void **state)
{
	const size_t lengths[] = { 0, 1, 15, 16, 4079, 4080, 4081, 4095, 4096, 4097, 100000, max };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];
		struct rawcache_view view;

		assert_int_equal(rawcache_store(cache, &n, sizeof(n), bytes, n, 0), 0);
		assert_int_equal(rawcache_lookup(cache, &n, sizeof(n), NULL, 0), n);
		memset(buf, 0, max);
		assert_int_equal(rawcache_lookup(cache, &n, sizeof(n), buf, max), n);
		assert_memory_equal(buf, bytes, n);
		assert_int_equal(rawcache_lookup_zero_copy(cache, &n, sizeof(n), &view), 0);
		assert_int_equal(view.length, n);
		assert_int_equal((uintptr_t)view.data % 4096, 0);
		assert_memory_equal(view.data, bytes, n);
		rawcache_view_release(cache, &view);
		assert_null(view.data);
	}
}

static void refuses_what_it_cannot_do(void **state)
{
	struct rawcache_view view = { bytes, 1, 7 };

	(void)state;
	assert_int_equal(rawcache_store(cache, "k", 1, bytes, max + 1, 0), -E2BIG);
	assert_int_equal(rawcache_store(cache, "k", 0, bytes, 1, 0), -EINVAL);
	assert_int_equal(rawcache_lookup(cache, "none", 4, buf, max), -ENOENT);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "none", 4, &view), -ENOENT);
	assert_null(view.data);
	rawcache_view_release(cache, &view);
	assert_int_equal(rawcache_remove(cache, "none", 4), -ENOENT);
	assert_int_equal(rawcache_store(cache, "k", 1, bytes, 100, 0), 0);
	assert_int_equal(rawcache_lookup(cache, "k", 1, buf, 99), -ERANGE);
	assert_int_equal(rawcache_lookup(cache, "k", 1, (void *)16, 100), -EFAULT);
	assert_int_equal(rawcache_remove(cache, "k", 1), 0);
	assert_int_equal(rawcache_lookup(cache, "k", 1, buf, max), -ENOENT);
}

/* A process that is stopped in the middle of a change has the lock. */
static void says_what_it_cannot_remove(void **state)
{
	pthread_mutex_t *lock = cache->runtime.header->index_lock;

	(void)state;
	assert_int_equal(rawcache_store(cache, "kept", 4, bytes, 100, 0), 0);
	for (uint32_t i = 0; i < RUNTIME_INDEX_LOCKS; i++)
		assert_int_equal(runtime_lock(&lock[i]), 0);
	assert_int_equal(rawcache_remove(cache, "kept", 4), -EAGAIN);
	for (uint32_t i = 0; i < RUNTIME_INDEX_LOCKS; i++)
		runtime_unlock(&lock[i]);
	assert_int_equal(rawcache_lookup(cache, "kept", 4, buf, max), 100);
	assert_int_equal(rawcache_remove(cache, "kept", 4), 0);
	assert_int_equal(rawcache_lookup(cache, "kept", 4, buf, max), -ENOENT);
}

/* As chunks of files: nothing is written while nobody knows that the process is there, and it is counted. */
static void stores_as_files_are_stored(void **state)
{
	struct rawcache_stats before, after;
	int number = cache->runtime.fd;
	int saved = dup(number);
	int strange = open_or_die("/dev/null", O_RDWR);

	(void)state;
	rawcache_stats_total(cache, &before, sizeof(before));
	dup2(strange, number);
	assert_true(rawcache_store(cache, "lost", 4, bytes, 100, 0) < 0);
	dup2(saved, number);
	rawcache_stats_total(cache, &after, sizeof(after));
	assert_int_equal(after.fill_errors, before.fill_errors + 1);
	assert_int_equal(rawcache_passthrough(&after, RAWCACHE_REASON_no_fd),
			 rawcache_passthrough(&before, RAWCACHE_REASON_no_fd) + 1);
	assert_int_equal(rawcache_lookup(cache, "lost", 4, buf, max), -ENOENT);
	assert_int_equal(rawcache_store(cache, "lost", 4, bytes, 100, 0), 0);
	close(saved);
	close(strange);
}

static void time_to_live_ends(void **state)
{
	struct rawcache_view view;

	(void)state;
	assert_int_equal(rawcache_store(cache, "short", 5, bytes, 1000, 1), 0);
	assert_int_equal(rawcache_store(cache, "long", 4, bytes, 1000, 1000), 0);
	assert_int_equal(rawcache_lookup(cache, "short", 5, buf, max), 1000);
	usleep(1100000);
	assert_int_equal(rawcache_lookup(cache, "long", 4, buf, max), 1000);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "short", 5, &view), -ENOENT);
	assert_int_equal(rawcache_lookup(cache, "short", 5, buf, max), -ENOENT);
}

/* A view's bytes stay while the whole cache is filled with other ones several times over. */
static void view_survives_replacement_and_recycling(void **state)
{
	struct rawcache_view view;
	struct rawcache_stats before;
	struct rawcache_stats after;
	char *other = malloc(max);

	(void)state;
	memset(other, 0x5a, max);
	rawcache_stats_total(cache, &before, sizeof(before));
	assert_int_equal(rawcache_store(cache, "kept", 4, bytes, 200000, 0), 0);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "kept", 4, &view), 0);
	assert_int_equal(rawcache_store(cache, "kept", 4, other, 200000, 0), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(rawcache_store(cache, &i, sizeof(i), other, max, 0), 0);
	rawcache_stats_total(cache, &after, sizeof(after));
	assert_true(after.evicted_regions > before.evicted_regions + 50);
	assert_memory_equal(view.data, bytes, 200000);
	rawcache_view_release(cache, &view);
	free(other);
}

static void holds_are_limited_to_a_quarter(void **state)
{
	struct rawcache_view views[64] = { { 0 } };
	struct rawcache_image_info info;
	unsigned int held = 0;
	int err = 0;

	(void)state;
	rawcache_info(cache, &info, sizeof(info));
	for (uint32_t i = 0; i < 64 && !err; i++) {
		err = rawcache_store(cache, &i, sizeof(i), bytes, max, 0);
		assert_int_equal(err, 0);
		err = rawcache_lookup_zero_copy(cache, &i, sizeof(i), &views[i]);
		held += !err;
	}
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(held, info.region_count / 4);
	for (int i = 0; i < 64; i++)
		rawcache_view_release(cache, &views[i]);
}

/* Views of several processes (caches that one attaches have a slot each) leave half of the regions. */
static void holds_of_all_leave_half(void **state)
{
	static struct rawcache_view views[6][64];
	struct rawcache *caches[6];
	struct rawcache_image_info info;
	unsigned int held = 0;

	(void)state;
	rawcache_info(cache, &info, sizeof(info));
	for (int c = 0; c < 6; c++) {
		caches[c] = attach(scratch_path("image"));
		for (uint32_t i = 0; i < 64; i++) {
			uint32_t key = (uint32_t)c << 8 | i;

			assert_int_equal(rawcache_store(cache, &key, sizeof(key), bytes, max, 0),
					 0);
			if (rawcache_lookup_zero_copy(caches[c], &key, sizeof(key), &views[c][i]))
				break;
			held++;
		}
	}
	assert_true(held > info.region_count / 4 && held <= info.region_count / 2);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(rawcache_store(cache, &i, sizeof(i), bytes, max, 0), 0);
	for (int c = 0; c < 6; c++) {
		for (int i = 0; i < 64; i++) {
			if (views[c][i].data)
				assert_memory_equal(views[c][i].data, bytes, max);
			rawcache_view_release(caches[c], &views[c][i]);
		}
		rawcache_detach(caches[c]);
	}
}

static void sends_to_a_socket(void **state)
{
	int s[2];
	ssize_t n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(rawcache_store(cache, "sent", 4, bytes, 60000, 0), 0);
	n = rawcache_sendfile_to_socket(cache, "sent", 4, s[0], 1000, 20000);
	assert_true(n > 0);
	assert_int_equal(recv(s[1], buf, (size_t)n, MSG_WAITALL), n);
	assert_memory_equal(buf, bytes + 1000, n);
	assert_int_equal(rawcache_sendfile_to_socket(cache, "sent", 4, s[0], 60000, 1), 0);
	assert_int_equal(rawcache_sendfile_to_socket(cache, "none", 4, s[0], 0, 1), -ENOENT);
	close(s[0]);
	close(s[1]);
}

static void sees_damage(void **state)
{
	struct rawcache_image_info info;
	struct rawcache_view view;
	int fd = open_or_die(scratch_path("image"), 2);

	(void)state;
	assert_int_equal(rawcache_store(cache, "hurt", 4, bytes, 5000, 0), 0);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "hurt", 4, &view), 0);
	rawcache_info(cache, &info, sizeof(info));
	/* find it in the file: its page holds the first bytes of the pattern */
	for (uint64_t at = info.data_offset; at < info.size; at += 4096) {
		char page[4096];

		if (pread(fd, page, 4096, (off_t)at) == 4096 && !memcmp(page, bytes, 4096))
			pwrite(fd, "xxxx", 4, (off_t)at + 100);
	}
	close(fd);
	rawcache_view_release(cache, &view);
	assert_int_equal(rawcache_lookup(cache, "hurt", 4, buf, max), -ENOENT);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "hurt", 4, &view), -ENOENT);
}

/* A child that releases what its parent borrowed gives nothing back of what it holds itself. */
static void a_child_keeps_its_own_view(void **state)
{
	struct rawcache_view parents;
	struct rawcache_view own;
	pid_t pid;

	(void)state;
	assert_int_equal(rawcache_store(cache, "view", 4, bytes, 100, 0), 0);
	assert_int_equal(rawcache_lookup_zero_copy(cache, "view", 4, &parents), 0);
	pid = child_fork();
	if (!pid) {
		uint32_t held;
		int err = rawcache_lookup_zero_copy(cache, "view", 4, &own);

		held = cache->holds[HOLD_ALL].bits;
		rawcache_view_release(cache, &parents);
		if (err || held != 1 || cache->holds[HOLD_ALL].bits != 1)
			_exit(1);
		rawcache_view_release(cache, &own);
		_exit(cache->holds[HOLD_ALL].bits ? 2 : 0);
	}
	assert_int_equal(child_end(pid, 10), 0);
	rawcache_view_release(cache, &parents);
	assert_int_equal(cache->holds[HOLD_ALL].bits, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_keeps_its_own_view),
		cmocka_unit_test(stores_and_looks_up_every_length),
		cmocka_unit_test(refuses_what_it_cannot_do),
		cmocka_unit_test(says_what_it_cannot_remove),
		cmocka_unit_test(stores_as_files_are_stored),
		cmocka_unit_test(time_to_live_ends),
		cmocka_unit_test(view_survives_replacement_and_recycling),
		cmocka_unit_test(holds_are_limited_to_a_quarter),
		cmocka_unit_test(holds_of_all_leave_half),
		cmocka_unit_test(sends_to_a_socket),
		cmocka_unit_test(sees_damage),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
