/* SPDX-License-Identifier: MIT */
/*
 * Points at which a test kills a process, to check what it leaves behind. Only builds with
 * ENABLE_CRASH_POINTS have them. RAWCACHE_TEST_CRASH=name[:n[@helper]] kills at the n-th pass; with
 * @helper, at the n-th pass of a helper thread of ours.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

enum crash_point {
#define CRASH(name, text) CRASH_##name,
#include "base/crash_tbl.h"
#undef CRASH
	CRASH_COUNT
};

#ifdef ENABLE_CRASH_POINTS
void crash_point(enum crash_point point);
/* Read the variable again. It is read at the first point; a fork child that has changed it must call this. */
void crash_arm(void);
const char *crash_name(enum crash_point point);
/* This thread is a helper. */
void crash_helper(void);
#define CRASH_POINT(name) crash_point(CRASH_##name)
#define CRASH_HELPER() crash_helper()
#else
#define CRASH_POINT(name) ((void)0)
#define CRASH_HELPER() ((void)0)
#endif

#endif
