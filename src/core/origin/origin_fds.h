/* SPDX-License-Identifier: MIT */
/*
 * The origin files that helper threads have open, in a descriptor table of their own.
 *
 *   FREE -> OPENING -> OPEN -> CLOSING -> FREE
 *   OPENING -> FAILED -> FREE when the waiter has seen it
 *
 * A file is either the program's own description, taken out of its table by pidfd_getfd(), or one that was
 * opened anew (`own`) through the descriptor's link in /proc. It is opened anew if pidfd_getfd() is
 * forbidden, as in containers; and for large files on FUSE, which are read around the page cache
 * (O_DIRECT): no pages are made that would be dropped again at once, and requests are as large as what is
 * asked for.
 *
 * A description that is shared with the program is closed as soon as it is idle: otherwise the program's
 * flock() would survive its close(). One that we opened ourselves stays open until the program closes the
 * file, because opening it again costs the origin a request. It is then closed at once: otherwise a removed
 * file would leave a hidden one behind, and a file system could not be unmounted.
 *
 * Entries are found by the file's key: the addresses and serials of objects are reused after a new
 * attachment.
 */
#ifndef CORE_ORIGIN_FDS_H
#define CORE_ORIGIN_FDS_H

#include "core/origin/file.h"

struct kept {
	struct key key;
	int fd;
	int err;	/* of the state FAILED */
	uint32_t state; /* futex */
	uint32_t users;
	bool opened_here;
	bool direct; /* opened here, and read around the page cache */
	bool stale;  /* its present user may finish; nobody else may use it */
};

/* For a helper thread: leave the program's descriptor table. 0 or -errno. */
int origin_fds_begin(void);

/*
 * For a helper thread: open `file`, which the program has open as `fd`. `direct_ok`: it may be read around the
 * page cache. Owes an origin_fds_put(). -EPERM, -ENOSYS: nothing can be opened.
 */
int origin_fds_get(struct file *file, int fd, bool direct_ok, struct kept **kept);

/* `more`: more will be read, perhaps of the same file. */
void origin_fds_put(struct kept *kept, const struct file *file, bool more);

/* Call when a direct read of it failed with EINVAL: O_DIRECT does not work for it. */
void origin_fds_refuse(struct kept *kept, struct file *file);

/*
 * Call when nobody has the file open any more. Returns true if a helper thread must call
 * origin_fds_sweep().
 */
bool origin_fds_forget(const struct file *file);

/* Whether a description of the file is still open after origin_fds_forget(). */
bool origin_fds_waits(const struct file *file);

/* Call when all helper threads have ended, and their descriptors with them. */
void origin_fds_vanished(void);

/* For a helper thread: close the files that nobody needs; `idle`: nothing more will be read. */
void origin_fds_sweep(bool idle);

void origin_fds_fork_prepare(void);
void origin_fds_fork_parent(void);
void origin_fds_fork_child(void);

#endif
