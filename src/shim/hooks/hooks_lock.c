/* SPDX-License-Identifier: MIT */
/*
 * Locks, and calls that make a file's bytes durable. A program that takes a lock expects to see what others
 * wrote under theirs, whatever the kernel remembers of the file: NFS works so, and databases rely on it. A
 * lock that is tested (F_GETLK, F_TEST) or released promises nothing.
 */
#include "shim/libc/symbols.h"

#include "base/record_locks.h"

#include "shim/files/fd.h"
#include "shim/files/look.h"
#include "shim/files/tree.h"

/* Such a lock begins at the position. */
int lockf(int fd, int cmd, off_t n)
{
	struct handle *lent;
	int ret;

	tree_real(fd);
	lent = fd_lend(fd);
	record_lock_begin();
	ret = NEXT(lockf)(fd, cmd, n);
	record_lock_end();
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
