/* SPDX-License-Identifier: MIT */
/*
 * Functions that are not the hooks: from a handle on libc, of a plug-in that is opened with RTLD_DEEPBIND, of a second
 * libc, and system calls of one's own. They read and close the descriptors that libc opened.
 *
 *	LD_PRELOAD=... shim_other handle|version|version_next|private|private_default|deep|second|plain|next|own
 *		FILE OTHER PLUGIN
 *
 * FILE and OTHER consist of numbered lines of 10 bytes, FILE's begin with 0, OTHER's with 1. PLUGIN has
 * plugin_read(), plugin_close() and plugin_open(): plugin.c's are libc's or what comes next (next), plugin_own.c's
 * are system calls (plain). The way `own` is in a program of its own, which is the same with
 * OWN_CALLS: one that makes its own system calls has a sign from the start. Speaks TAP.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 1000
#define LINE 10

static struct {
	ssize_t (*read)(int fd, void *buf, size_t n);
	int (*close)(int fd);
	int (*open)(const char *path, int flags, ...);
} other;

static int tests, failures;

static void result(bool right, const char *name)
{
	printf("%sok %d - %s\n", right ? "" : "not ", ++tests, name);
	failures += !right;
}

#ifdef OWN_CALLS
#include "base/sys.h"

static ssize_t own_read(int fd, void *buf, size_t n)
{
	return sys_read(fd, buf, n);
}

static int own_close(int fd)
{
	return sys_close(fd);
}

static int own_open(const char *path, int flags, ...)
{
	return sys_openat(AT_FDCWD, path, flags, 0);
}

static bool way_own(void)
{
	other.read = own_read;
	other.close = own_close;
	other.open = own_open;
	return true;
}
#else
static bool way_own(void)
{
	return false;
}
#endif

static bool way_library(void *library, const char *prefix, const char *end)
{
	static const char *const names[] = { "read", "close", "open" };
	void *found[3];

	for (int i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s%s%s", prefix, names[i], end);
		found[i] = library || *end ? dlsym(library, name) : NULL;
		if (!found[i])
			return false;
	}
	memcpy(&other, found, sizeof(other));
	return true;
}

/* What RTLD_NEXT is to an object that was loaded later: libc's functions, past the hooks. */
static bool way_next(void *library)
{
	void *found = library ? dlsym(library, "plugin_next") : NULL;
	void *(*next)(const char *name);

	if (!found)
		return false;
	memcpy(&next, &found, sizeof(next));
	found = next("read");
	memcpy(&other.read, &found, sizeof(found));
	found = next("close");
	memcpy(&other.close, &found, sizeof(found));
	found = next("open");
	memcpy(&other.open, &found, sizeof(found));
	return other.read && other.close && other.open;
}

/* A name with libc's first version of it: no other object has such. */
static void *versioned(void *handle, const char *name)
{
#ifdef __x86_64__
	return dlvsym(handle, name, "GLIBC_2.2.5");
#else
	return dlvsym(handle, name, "GLIBC_2.17");
#endif
}

static bool way_versioned(void *handle)
{
	void *found[] = { versioned(handle, "read"), versioned(handle, "close"),
			  versioned(handle, "open") };

	memcpy(&other, found, sizeof(other));
	return other.read && other.close && other.open;
}

static bool way_find(const char *way, const char *plugin)
{
	if (!strcmp(way, "version"))
		return way_versioned(RTLD_DEFAULT);
	if (!strcmp(way, "version_next"))
		return way_versioned(RTLD_NEXT);
	if (!strcmp(way, "handle"))
		return way_library(dlopen("libc.so.6", RTLD_NOW), "", "");
	/* what libc has for itself, in which threads are not cancelled */
	if (!strcmp(way, "private"))
		return way_library(dlopen("libc.so.6", RTLD_NOW), "__", "_nocancel");
	if (!strcmp(way, "private_default"))
		return way_library(RTLD_DEFAULT, "__", "_nocancel");
	if (!strcmp(way, "deep"))
		return way_library(dlopen(plugin, RTLD_NOW | RTLD_DEEPBIND), "plugin_", "");
	if (!strcmp(way, "second"))
		return way_library(dlmopen(LM_ID_NEWLM, "libc.so.6", RTLD_NOW), "", "");
	if (!strcmp(way, "plain"))
		return way_library(dlopen(plugin, RTLD_NOW), "plugin_", "");
	if (!strcmp(way, "next"))
		return way_next(dlopen(plugin, RTLD_NOW));
	return way_own();
}

/* The number of the line that `buf` begins with, or -1. */
static long line_of(const char *buf, ssize_t n)
{
	return n == BLOCK ? strtol(buf, NULL, 10) : -1;
}

int main(int argc, char **argv)
{
	bool turns = true, closed = true, opened = true;
	char buf[BLOCK + 1] = "";

	if (argc != 5)
		return 2;
	for (int round = 0; round < 3; round++) {
		int fd = open(argv[2], O_RDONLY);
		int again;

		/* in the middle of the work */
		if (round == 1 && !way_find(argv[1], argv[4]))
			return 77;
		for (int i = 0; i < 6; i++) {
			bool ours = i % 2 == 0 || !round;
			ssize_t n = ours ? read(fd, buf, BLOCK) : other.read(fd, buf, BLOCK);

			turns = turns && line_of(buf, n) == i * BLOCK / LINE;
		}
		if (!round)
			continue;
		other.close(fd);
		again = other.open(argv[3], O_RDONLY);
		opened = opened && again == fd && read(fd, buf, BLOCK) == BLOCK && *buf == '1';
		close(fd);
		fd = open(argv[2], O_RDONLY);
		other.close(fd);
		closed = closed && pread(fd, buf, BLOCK, 0) < 0 && read(fd, buf, BLOCK) < 0;
	}
	result(turns, "each reads on behind the other one");
	result(opened, "a number that they open again is what they opened");
	result(closed, "what they close is closed");
	return failures != 0;
}
