/* SPDX-License-Identifier: MIT */
/* Streams of directories: in frozen trees their names come from the record (files/tree.h). */
#include "shim/libc/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim/files/fd.h"
#include "shim/files/names.h"
#include "shim/files/tree.h"
#include "shim/table/news.h"
#include "shim/table/attach.h"

/* The headers declare arguments as nonnull, but programs pass NULL: libc answers closedir(NULL). */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* readdir_r() */
#define MAY_BE_NULL(p) __asm__("" : "+r"(p))

static int dir_fd(DIR *dir)
{
	MAY_BE_NULL(dir);
	return dir && attach_active ? NEXT(dirfd)(dir) : -1;
}

DIR *opendir(const char *path)
{
	DIR *dir;

	if (names_absent(AT_FDCWD, path, NAMES_OPEN))
		return NULL;
	dir = tree_opendir(path);
	if (!dir)
		dir = NEXT(opendir)(path);
	news_name(); /* its names, too */
	fd_new(dir_fd(dir));
	return dir;
}

DIR *fdopendir(int fd)
{
	DIR *dir = NEXT(fdopendir)(fd);

	if (dir && unlikely(load_relaxed(&tree_on)))
		tree_listed_slow(dir, fd);
	return dir;
}

int closedir(DIR *dir)
{
	struct tree_list *list = tree_list(dir);

	fd_drop(dir_fd(dir));
	if (list)
		tree_list_end(list);
	return NEXT(closedir)(dir);
}

struct dirent *readdir(DIR *dir)
{
	struct tree_list *list = tree_list(dir);

	return list ? tree_list_next(list) : NEXT(readdir)(dir);
}

int readdir_r(DIR *dir, struct dirent *entry, struct dirent **result)
{
	struct tree_list *list = tree_list(dir);
	const struct dirent *next;

	if (!list)
		return NEXT(readdir_r)(dir, entry, result);
	next = tree_list_next(list);
	if (next)
		memcpy(entry, next, next->d_reclen);
	*result = next ? entry : NULL;
	return 0;
}

/* The program reads the directory anew: changes since then only the kernel knows. */
void rewinddir(DIR *dir)
{
	struct tree_list *list = tree_list(dir);

	if (list && tree_list_real(list, NEXT(dirfd)(dir)))
		tree_list_end(list);
	NEXT(rewinddir)(dir);
}

long telldir(DIR *dir)
{
	struct tree_list *list = tree_list(dir);

	return list ? tree_list_tell(list) : NEXT(telldir)(dir);
}

void seekdir(DIR *dir, long at)
{
	struct tree_list *list = tree_list(dir);

	if (list)
		tree_list_seek(list, at);
	else
		NEXT(seekdir)(dir, at);
}

int dirfd(DIR *dir)
{
	struct tree_list *list = tree_list(dir);
	int fd = NEXT(dirfd)(dir);

	if (list && !tree_list_real(list, fd))
		return -1;
	return fd;
}

/*
 * What libc opens inside itself is the origin's, but where these begin may be known to be absent. (realpath()
 * reads links as text, which leads elsewhere than a lookup does behind /proc; freopen() closes the stream first;
 * glob() and fts_open() tell of names in other ways than by an error.)
 */

int scandir(const char *path, struct dirent ***entries, int (*wanted)(const struct dirent *),
	    int (*order)(const struct dirent **, const struct dirent **))
{
	if (names_absent(AT_FDCWD, path, NAMES_OPEN))
		return -1;
	return names_missed(path, NEXT(scandir)(path, entries, wanted, order));
}

int scandirat(int dir, const char *path, struct dirent ***entries,
	      int (*wanted)(const struct dirent *),
	      int (*order)(const struct dirent **, const struct dirent **))
{
	if (names_absent(dir, path, NAMES_OPEN))
		return -1;
	return names_missed(path, NEXT(scandirat)(dir, path, entries, wanted, order));
}

int ftw(const char *path, int (*each)(const char *, const struct stat *, int), int descriptors)
{
	if (names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return NEXT(ftw)(path, each, descriptors);
}

/* Flags that it does not know are its first error, and a working directory that cannot be opened another. */
int nftw(const char *path, int (*each)(const char *, const struct stat *, int, struct FTW *),
	 int descriptors, int flags)
{
	if (!(flags & ~(FTW_PHYS | FTW_MOUNT | FTW_DEPTH | FTW_ACTIONRETVAL)) &&
	    names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return NEXT(nftw)(path, each, descriptors, flags);
}

HOOK_ALIAS(scandir64, scandir);
HOOK_ALIAS(scandirat64, scandirat);
HOOK_ALIAS(ftw64, ftw);
HOOK_ALIAS(nftw64, nftw);
HOOK_ALIAS(readdir64, readdir);
HOOK_ALIAS(readdir64_r, readdir_r);
