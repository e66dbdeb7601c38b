/* SPDX-License-Identifier: MIT */
/* What the tests of limits share: an image, a file, and children for what cannot be undone. */
#ifndef TESTS_LIMITS_H
#define TESTS_LIMITS_H

#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>

#include <rawcache/embed.h>

#include "child.h"
#include "pattern.h"

#define SIZE ((1u << 20) + 12345)

extern char limits_image[512];
extern char limits_data[512];

/* A new image, and a file of SIZE bytes that has settled. */
int limits_setup(void **state);

/* Whether all of the file is read, and right. */
bool read_ok(struct rawcache *cache);

/* `dir` NULL: the usual one. */
int attach_in(const char *dir, struct rawcache **cache, enum rawcache_reason *reason);

/* Run `body` in a child, for what cannot be undone; its return value, or 77: not possible here. */
int in_child(int (*body)(void));

/* One process stands for many: each cache that it attaches takes a slot of its own. */
#define SLOTS_EACH 64u
#define HOLDERS (RUNTIME_SLOTS / SLOTS_EACH)

void body_attach(void *arg);

#define assert_in_child(body) \
	do { \
		int result_ = in_child(body); \
\
		if (result_ == 77) \
			skip(); \
		assert_int_equal(result_, 0); \
	} while (0)

#endif
