/* SPDX-License-Identifier: MIT */
/* The calls that shim_names.c compares: by libc's name, and by a system call of our own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "outside.h" /* first */

#include "base/compiler.h"
#include "base/sys.h"
#include "shim_names.h"

static int closed(int fd)
{
	if (fd >= 0)
		sys_close(fd);
	return fd < 0 ? -fd : 0;
}

static const int open_flags[] = {
	O_RDONLY,	    O_PATH,    O_RDONLY | O_DIRECTORY, O_RDONLY | O_NOFOLLOW, O_WRONLY,
	O_RDWR | O_CLOEXEC, O_TMPFILE,
};
static const int stat_flags[] = { 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_NO_AUTOMOUNT, 0x8000 };
static const int access_modes[] = { F_OK, R_OK, X_OK | W_OK, 8 };

static int kernel_open(int dir, const char *name, int flags)
{
	return closed(sys_openat(dir, name, flags, 0));
}

static int kernel_stat(int dir, const char *name, int flags)
{
	struct stat st;

	return -(int)SYS_CALL(__NR_newfstatat, dir, name, &st, flags, 0, 0);
}

static int kernel_access(int dir, const char *name, int mode, int flags)
{
	return -(int)SYS_CALL(__NR_faccessat2, dir, name, mode, flags, 0, 0);
}

static int kernel_readlink(int dir, const char *name, size_t n)
{
	char buf[256];
	ssize_t ret = sys_readlinkat(dir, name, buf, n);

	return ret < 0 ? (int)-ret : 0;
}

static int libc_fopen(const char *name)
{
	FILE *stream = fopen(name, "r");

	if (!stream)
		return errno;
	fclose(stream);
	return 0;
}

static int libc_opendir(const char *name)
{
	DIR *dir = opendir(name);

	if (!dir)
		return errno;
	closedir(dir);
	return 0;
}

static int each_stops(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	(void)ftw;
	return 1;
}

/* libc takes slashes at the end away, and opens what is a directory */
static int kernel_walk(const char *name)
{
	char buf[8192];
	size_t n = (size_t)snprintf(buf, sizeof(buf), "%s", name);
	int err;

	while (n > 1 && buf[n - 1] == '/')
		buf[--n] = '\0';
	err = kernel_stat(AT_FDCWD, buf, AT_SYMLINK_NOFOLLOW);
	if (!err && kernel_open(AT_FDCWD, buf, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) == EMFILE)
		err = EMFILE;
	return err;
}

static int libc_scandir(int dir, const char *name)
{
	struct dirent **entries;
	int n = scandirat(dir, name, &entries, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return n < 0 ? errno : 0;
}

/* No file here may be executed, so that there is always an answer. */
static int kernel_search(const char *name)
{
	char places[8192], path[8192], *rest;
	char *const none[] = { NULL };
	int err = ENOENT;
	bool denied = false;

	snprintf(places, sizeof(places), "%s", getenv("PATH"));
	for (char *place = strtok_r(places, ":", &rest); place;
	     place = strtok_r(NULL, ":", &rest)) {
		snprintf(path, sizeof(path), "%s/%s", place, name);
		err = -(int)SYS_CALL(__NR_execve, path, none, none, 0, 0, 0);
		denied |= err == EACCES;
		if (err != EACCES && err != ENOENT && err != ENOTDIR)
			return err;
	}
	return denied ? EACCES : err;
}

static int told(int ret)
{
	return ret < 0 ? errno : 0;
}

void ask(int call, int dir, const char *name, int choice, int answer[2])
{
	struct stat st;
	struct statx stx;
	char buf[256];
	int flags;

	if (call < 4) {
		flags = open_flags[choice % (int)ARRAY_SIZE(open_flags)];
		answer[0] = closed(call % 2 ? openat(dir, name, flags, 0) :
					      openat64(dir, name, flags, 0));
		if (answer[0])
			answer[0] = errno;
		answer[1] = kernel_open(dir, name, flags);
	} else if (call < 8) {
		flags = stat_flags[choice % (int)ARRAY_SIZE(stat_flags)];
		answer[0] = told(fstatat(dir, name, &st, flags));
		answer[1] = kernel_stat(dir, name, flags);
	} else if (call < 11) {
		flags = stat_flags[choice % (int)ARRAY_SIZE(stat_flags)];
		answer[0] = told(statx(dir, name, flags, STATX_BASIC_STATS, &stx));
		answer[1] = -sys_statx(dir, name, flags, STATX_BASIC_STATS, &stx);
	} else if (call < 13) {
		flags = access_modes[choice % (int)ARRAY_SIZE(access_modes)];
		answer[0] = told(faccessat(dir, name, flags, choice % 2 ? AT_EACCESS : 0));
		answer[1] = kernel_access(dir, name, flags, choice % 2 ? AT_EACCESS : 0);
	} else {
		answer[0] = told((int)readlinkat(dir, name, buf, choice % 3 ? sizeof(buf) : 0));
		answer[1] = kernel_readlink(dir, name, choice % 3 ? sizeof(buf) : 0);
	}
}

void ask_plain(int call, const char *name, int choice, int answer[2])
{
	struct stat st;
	char buf[256];
	int mode = access_modes[choice % (int)ARRAY_SIZE(access_modes)];

	switch (call) {
	case 0:
		answer[0] = told(stat(name, &st));
		answer[1] = kernel_stat(AT_FDCWD, name, 0);
		break;
	case 1:
		answer[0] = told(lstat(name, &st));
		answer[1] = kernel_stat(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW);
		break;
	case 2:
		answer[0] = told(access(name, mode));
		answer[1] = kernel_access(AT_FDCWD, name, mode, 0);
		break;
	case 3:
		answer[0] = told(euidaccess(name, mode));
		answer[1] = kernel_access(AT_FDCWD, name, mode & 7,
					  AT_EACCESS); /* libc takes the rest away */
		break;
	case 4:
		answer[0] = told((int)readlink(name, buf, sizeof(buf)));
		answer[1] = kernel_readlink(AT_FDCWD, name, sizeof(buf));
		break;
	case 5:
		answer[0] = libc_fopen(name);
		answer[1] = kernel_open(AT_FDCWD, name, O_RDONLY);
		break;
	case 6:
		answer[0] = *hidden(name) ? libc_opendir(name) : ENOENT;
		answer[1] = kernel_open(AT_FDCWD, name, O_RDONLY | O_DIRECTORY);
		break;
	default:
		answer[0] = closed(open(name, O_RDONLY)) ? errno : 0;
		answer[1] = kernel_open(AT_FDCWD, name, O_RDONLY);
		break;
	}
}

void ask_outer(int call, const char *name, int choice, int answer[2])
{
	char *const none[] = { NULL };

	switch (call) {
	case 0:
		answer[0] = *hidden(name) ? libc_scandir(AT_FDCWD, name) : ENOENT;
		answer[1] = kernel_open(AT_FDCWD, name, O_RDONLY | O_DIRECTORY);
		break;
	case 1:
		answer[0] =
			told(nftw(name, each_stops, 4, FTW_PHYS | (choice % 2 ? FTW_DEPTH : 0)));
		answer[1] = kernel_walk(name);
		break;
	default:
		/* without a slash, it is searched for */
		name = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
		answer[0] = told(choice % 2 ? execvp(name, none) : execvpe(name, none, none));
		answer[1] = *name && strlen(name) <= NAME_MAX ? kernel_search(name) :
			    *name			      ? ENAMETOOLONG :
								ENOENT;
		break;
	}
}

void ask_attribute(const char *name, int choice, int answer[2])
{
	static const char *const names[] = { "user.x", "user.y", "system.posix_acl_access", "",
					     "user.x" };
	const char *attribute = names[choice % (int)ARRAY_SIZE(names)];
	char buf[64];

	if (choice & 64) {
		answer[0] = told((int)getxattr(name, attribute, buf, sizeof(buf)));
		answer[1] = (int)SYS_CALL(__NR_getxattr, name, attribute, buf, sizeof(buf), 0, 0);
	} else {
		answer[0] = told((int)lgetxattr(name, attribute, buf, sizeof(buf)));
		answer[1] = (int)SYS_CALL(__NR_lgetxattr, name, attribute, buf, sizeof(buf), 0, 0);
	}
	answer[1] = answer[1] < 0 ? -answer[1] : 0;
}
