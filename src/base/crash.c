/* SPDX-License-Identifier: MIT */
#include "base/crash.h"

#ifdef ENABLE_CRASH_POINTS
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/sys.h"

static const char *const crash_point_names[] = {
#define CRASH(name, text) #name,
#include "base/crash_tbl.h"
#undef CRASH
};

static uint32_t armed;	     /* 0: the variable has not been read */
static uint32_t passes_left; /* of `point`, before the process is killed */
static bool helpers_only;
static tls_initial bool in_helper;
static enum crash_point point;

const char *crash_name(enum crash_point p)
{
	return crash_point_names[p];
}

void crash_arm(void)
{
	const char *text = secure_getenv("RAWCACHE_TEST_CRASH");
	const char *colon = text ? strchr(text, ':') : NULL;
	size_t n = colon ? (size_t)(colon - text) : text ? strlen(text) : 0;

	point = CRASH_COUNT;
	for (int i = 0; n && i < CRASH_COUNT; i++)
		if (strlen(crash_point_names[i]) == n && !strncmp(crash_point_names[i], text, n))
			point = (enum crash_point)i;
	passes_left = colon ? (uint32_t)atoi(colon + 1) : 1;
	helpers_only = colon && strstr(colon, "@helper");
	store_release(&armed, 1);
}

void crash_helper(void)
{
	in_helper = true;
}

void crash_point(enum crash_point p)
{
	if (!load_acquire(&armed))
		crash_arm();
	if (likely(p != point) || (helpers_only && !in_helper) || fetch_sub(&passes_left, 1) != 1)
		return;
	SYS_CALL(__NR_kill, sys_getpid(), SIGKILL, 0, 0, 0, 0);
}
#endif
