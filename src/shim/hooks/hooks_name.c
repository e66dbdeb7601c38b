/* SPDX-License-Identifier: MIT */
/*
 * Functions that ask whether a name exists, for the target of a link, or for an extended attribute. If
 * nothing is remembered of the name, they are the kernel's.
 */
#include "shim/libc/symbols.h"

#include "shim/files/names.h"
#include "shim/files/tree.h"

#define ACCESS_MODES (R_OK | W_OK | X_OK)
#define ACCESS_FLAGS (AT_EACCESS | AT_SYMLINK_NOFOLLOW)

int access(const char *path, int mode)
{
	int ret;

	if (tree_access(AT_FDCWD, path, mode, 0, &ret))
		return ret;
	if (!(mode & ~ACCESS_MODES) && names_absent(AT_FDCWD, path, NAMES_REAL))
		return -1;
	return names_missed(path, NEXT(access)(path, mode));
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	int ret;

	if (tree_access(dir, path, mode, flags, &ret))
		return ret;
	if (!(mode & ~ACCESS_MODES) && !(flags & ~ACCESS_FLAGS) &&
	    names_absent(dir, path, flags & AT_EACCESS ? NAMES_LOOK : NAMES_REAL))
		return -1;
	return names_missed(path, NEXT(faccessat)(dir, path, mode, flags));
}

int euidaccess(const char *path, int mode)
{
	int ret;

	if (tree_access(AT_FDCWD, path, mode, AT_EACCESS, &ret))
		return ret;
	if (!(mode & ~ACCESS_MODES) && names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	return names_missed(path, NEXT(euidaccess)(path, mode));
}

ssize_t readlink(const char *path, char *buf, size_t n)
{
	ssize_t ret;

	if (tree_readlink(AT_FDCWD, path, buf, n, &ret))
		return ret;
	if ((int)n > 0 && names_absent(AT_FDCWD, path, NAMES_LOOK))
		return -1;
	ret = NEXT(readlink)(path, buf, n);
	names_missed(path, (int)ret);
	return ret;
}

ssize_t readlinkat(int dir, const char *path, char *buf, size_t n)
{
	ssize_t ret;

	if (tree_readlink(dir, path, buf, n, &ret))
		return ret;
	if ((int)n > 0 && names_absent(dir, path, NAMES_LOOK))
		return -1;
	ret = NEXT(readlinkat)(dir, path, buf, n);
	names_missed(path, (int)ret);
	return ret;
}

/* The fortified forms abort if the buffer is too small: libc's own do that. */
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t room)
{
	return n > room ? NEXT(__readlink_chk)(path, buf, n, room) : readlink(path, buf, n);
}

ssize_t __readlinkat_chk(int dir, const char *path, char *buf, size_t n, size_t room)
{
	return n > room ? NEXT(__readlinkat_chk)(dir, path, buf, n, room) :
			  readlinkat(dir, path, buf, n);
}

ssize_t getxattr(const char *path, const char *name, void *value, size_t n)
{
	struct names_attribute attribute;

	if (names_attribute_absent(&attribute, path, 0, name))
		return -1;
	return names_attribute_told(&attribute, path, 0, NEXT(getxattr)(path, name, value, n));
}

ssize_t lgetxattr(const char *path, const char *name, void *value, size_t n)
{
	struct names_attribute attribute;

	if (names_attribute_absent(&attribute, path, AT_SYMLINK_NOFOLLOW, name))
		return -1;
	return names_attribute_told(&attribute, path, AT_SYMLINK_NOFOLLOW,
				    NEXT(lgetxattr)(path, name, value, n));
}

HOOK_ALIAS(eaccess, euidaccess);
