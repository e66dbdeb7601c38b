/* SPDX-License-Identifier: MIT */
/*
 * A thread that is cancelled gives back what it holds, although nothing that is linked here has
 * libgcc_s at the start: src/shim/libc/unwind.c finds it when it is needed.
 */
#include "unit/unit.h"

#include <link.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"

static int given_back[2];

static void give_back(void *arg)
{
	*(int *)arg += 1;
}

static void never_inline wait_inside(void)
{
	pthread_cleanup_push(give_back, &given_back[1]);
	pause();
	pthread_cleanup_pop(0);
}

/* Two of them, so that what is left after the first is unwound, too. */
static void *wait_held(void *arg)
{
	pthread_cleanup_push(give_back, &given_back[0]);
	wait_inside();
	pthread_cleanup_pop(0);
	return arg;
}

static int is_libgcc(struct dl_phdr_info *info, size_t size, void *arg)
{
	(void)size;
	*(bool *)arg |= strstr(info->dlpi_name, "libgcc_s") != NULL;
	return 0;
}

static bool libgcc_loaded(void)
{
	bool loaded = false;

	dl_iterate_phdr(is_libgcc, &loaded);
	return loaded;
}

static void test_cancelled(void **state)
{
	pthread_t thread;
	void *result;

	(void)state;
	if (libgcc_loaded()) /* a sanitizer's runtime has it */
		print_message("libgcc_s is loaded already\n");
	assert_int_equal(pthread_create(&thread, NULL, wait_held, NULL), 0);
	usleep(1000);
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, PTHREAD_CANCELED);
	assert_int_equal(given_back[0], 1);
	assert_int_equal(given_back[1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
