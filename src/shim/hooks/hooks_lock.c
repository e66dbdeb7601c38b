/* SPDX-License-Identifier: MIT */
/*
 * Locks, and what makes a file's bytes safe: who takes a lock expects what others have written under
 * theirs, whatever the kernel remembers of the file. So NFS has it, and databases rely on it. A lock that is
 * tested (F_GETLK, F_TEST) or given back promises nothing.
 */
#include "shim/libc/symbols.h"

#include "shim/files/fd.h"
#include "shim/files/look.h"
#include "shim/files/tree.h"

/* Locks from the position on. */
int lockf(int fd, int cmd, off_t n)
{
	struct handle *lent;
	int ret;

	tree_real(fd);
	lent = fd_lend(fd);
	ret = NEXT(lockf)(fd, cmd, n);

	fd_return(lent);
	if (!ret && (cmd == F_LOCK || cmd == F_TLOCK))
		look_locked(fd);
	return ret;
}

int flock(int fd, int operation)
{
	int ret;

	tree_real(fd);
	ret = NEXT(flock)(fd, operation);

	if (!ret && operation & (LOCK_SH | LOCK_EX))
		look_locked(fd);
	return ret;
}

int fsync(int fd)
{
	int ret = NEXT(fsync)(fd);

	if (!ret)
		look_again(fd, true);
	return ret;
}

int fdatasync(int fd)
{
	int ret = NEXT(fdatasync)(fd);

	if (!ret)
		look_again(fd, true);
	return ret;
}

HOOK_ALIAS(lockf64, lockf);
