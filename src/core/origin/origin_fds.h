/* SPDX-License-Identifier: MIT */
/*
 * The origin's files that helper threads have open, in a descriptor table that is theirs.
 *
 *	FREE -> OPENING -> OPEN -> CLOSING -> FREE
 *	        OPENING -> FAILED -> FREE	when who waited for it has seen it
 *
 * A file is either the program's own description, taken out of its table by pidfd_getfd(), or
 * one that was opened anew (`own`), by the descriptor's link in /proc: where the former is
 * forbidden, as in containers, and for large files on FUSE, which are read around the page cache
 * (O_DIRECT): without making pages that are dropped again at once, and in requests as large as
 * what is asked for.
 *
 * A description that is shared with the program is closed as soon as it is idle: otherwise the
 * program's flock() would survive its close(). One that we opened ourselves stays open until the
 * program closes the file, because opening it again costs the origin a request. It is then closed at
 * once: otherwise a removed file would leave a hidden one behind, and a file system could not be
 * unmounted.
 *
 * Entries are found by the file's key: addresses and serials of file objects are reused after a
 * cache was attached again.
 *
 * Locks: origin_fds_lock, inside a critical section; nobody sleeps with it.
 */
#ifndef CORE_ORIGIN_FDS_H
#define CORE_ORIGIN_FDS_H

#include "core/origin/file.h"

struct kept {
	struct key key;
	int fd;
	int err;	/* FAILED */
	uint32_t state; /* futex */
	uint32_t users;
	bool own;
	bool direct; /* own, and read around the page cache */
	bool stale;  /* for whoever uses it, and nobody else */
};

/* For a helper thread: leave the program's descriptor table. 0 or -errno. */
int origin_fds_begin(void);

/*
 * For a helper thread: have `file` open, which the program has at its descriptor `fd`. `aside`:
 * it may be read around the page cache. Owes a origin_fds_put(). -EPERM, -ENOSYS: nothing can be opened.
 */
int origin_fds_get(struct file *file, int fd, bool aside, struct kept **kept);

/* `more`: there is more to read, perhaps of the same file. */
void origin_fds_put(struct kept *kept, const struct file *file, bool more);

/* A direct read of it failed with EINVAL: it is not for that. */
void origin_fds_refuse(struct kept *kept, struct file *file);

/* Nobody has the file open any more. True: origin_fds_sweep() is due, in a helper thread. */
bool origin_fds_forget(const struct file *file);

/* Whether a description of the file is still open after origin_fds_forget(). */
bool origin_fds_waits(const struct file *file);

/* All helper threads have ended, and their descriptors with them. */
void origin_fds_vanished(void);

/* For a helper thread: close what nobody needs; `idle`: there is nothing more to read. */
void origin_fds_sweep(bool idle);

void origin_fds_fork_prepare(void);
void origin_fds_fork_parent(void);
void origin_fds_fork_child(void);

#endif
