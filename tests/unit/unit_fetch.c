/* SPDX-License-Identifier: MIT */
/* Chunks that are stored by several: by a thread of the program, and by others when a server has confirmed them. */
#include "unit/unit.h"

#include <stdio.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/sys.h"
#include "core/fill/fetch.h"
#include "core/fill/fetch_table.h"
#include "core/origin/origin.h"
#include "core/shared/cache.h"
#include "support.h"
#include "unit/moment.h"

/* last: its names are those of parameters in other headers */
#include "unit/two_files.h"

#define CHUNK (256u << 10)

static int setup(void **state)
{
	(void)state;
	test_io = RAWCACHE_IO_THREADS;
	if (two_files_make("fetch.image", TEST_IMAGE_BYTES, 4 * CHUNK))
		return 1;
	two_files_attach();
	return 0;
}

/* A chunk that has been read. */
static struct fetch chunk_read(struct file *file, uint64_t chunk)
{
	char *buf = buffer_get();

	assert_non_null(buf);
	assert_int_equal(sys_pread(fd_a, buf, CHUNK, chunk * CHUNK), CHUNK);
	return (struct fetch){
		.request = { .file = file,
			     .buf = buf,
			     .offset = chunk * CHUNK,
			     .length = CHUNK,
			     .result = CHUNK,
			     .done = IO_DONE,
			     .fd = fd_a,
			     .unchanged = true },
		.cache = cache,
		.key = key_of_chunk(&cache->image.sb, &file->key, chunk),
		.chunk = chunk,
		.started = clock_mono_ns(),
	};
}

/* For 10 s at most: until the chunk is no fetch any more. */
static bool fetch_gone(const struct file *file, uint64_t chunk)
{
	bool gone = false;

	for (int i = 0; i < 1000 && !gone; i++) {
		struct critical critical;

		usleep(10000);
		fetches_lock(&critical);
		gone = !fetch_find(file, chunk);
		fetches_unlock(&critical);
	}
	return gone;
}

/*
 * This thread stores chunk 1, and the server is asked for chunk 0. The answer is none of chunk 1's: handed to a storing
 * thread as well, it was stored twice, and the second one found the place free, or with another chunk that was
 * being read.
 */
static void test_claimed(void **state)
{
	struct file *file = file_at(cache, file_a);
	struct fetch asked = chunk_read(file, 0);
	char name[4096];
	struct critical critical;
	struct fetch *mine;
	uint32_t now;
	bool confirmed;

	(void)state;
	snprintf(name, sizeof(name), "%s", scratch_path("a"));
	file->identity.look = LOOK_ASKED;
	file->path = name;
	fetches_lock(&critical);
	mine = fetch_place(file);
	*mine = chunk_read(file, 1);
	fetch_init(mine, file, FETCH_STORING, 0);
	fetch_use(mine);
	fetches_unlock(&critical);
	assert_true(fetch_adopt(file, &asked));
	assert_true(fetch_gone(file, 0));
	usleep(50000); /* a storing thread that had it would be done with it */
	fetches_lock(&critical);
	now = mine->state;
	confirmed = mine->confirmed;
	fetches_unlock(&critical);
	assert_int_equal(now, FETCH_STORING);
	assert_false(confirmed);
	fetch_store(mine);
	fetch_put(mine);
	for (uint64_t chunk = 0; chunk < 2; chunk++)
		assert_true(file_read_right(cache, file_a, fd_a, 1, CHUNK, chunk * CHUNK));
	file->path = NULL;
}

static void store_chunk_2(void *read_right)
{
	*(bool *)read_right = file_read_right(cache, file_a, fd_a, 1, CHUNK, 2 * CHUNK) &&
			      fetch_gone(file_at(cache, file_a), 2);
}

/*
 * A chunk is not in the index, and another thread reads and stores it before this one has claimed it. Then it is not
 * read again: eight readers of one file, of which some slept here, read up to 6 % of it twice.
 */
static void test_stored_meanwhile(void **state)
{
	bool read_right = false;

	(void)state;
	moment_set(MOMENT_MUTEX, 1, store_chunk_2, &read_right);
	assert_int_equal(fetch_start(cache, file_at(cache, file_a), fd_a, 2, true), FETCH_CACHED);
	assert_true(moment_came(MOMENT_MUTEX));
	assert_true(read_right);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_claimed, setup, two_files_close),
		cmocka_unit_test_setup_teardown(test_stored_meanwhile, setup, two_files_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
