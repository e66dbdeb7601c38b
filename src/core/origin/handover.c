/* SPDX-License-Identifier: MIT */
#include "core/origin/handover.h"

#include <errno.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/socket.h>

#include "base/compiler.h"
#include "base/record_locks.h"
#include "base/sys.h"
#include "base/unusual.h"
#include "core/image/image.h"

struct parcel {
	struct msghdr header;
	struct iovec iov;
	uint32_t number;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
};

/* The ends: what is put into the first comes out of the second. Numbers + 1; 0: none. */
static int ends[2];
static int helper_ends[2]; /* in the helpers' table */
static uint64_t end_inode; /* of the second: the program may have closed it past the hooks */

static int end_hide(int fd, int which)
{
	fd = image_fd_hide(fd);
	store_release(&ends[which], fd < 0 ? 0 : fd + 1);
	return fd;
}

static int end_number(int which)
{
	return load_acquire(&ends[which]) - 1;
}

static bool end_is_ours(void)
{
	struct statx stx;

	return !sys_statx(end_number(1), "", AT_EMPTY_PATH, STATX_INO, &stx) &&
	       stx.stx_ino == end_inode;
}

static void ends_close(void)
{
	for (int i = 0; i < 2; i++) {
		if (end_number(i) >= 0)
			sys_close(end_number(i));
		store_release(&ends[i], 0);
	}
}

int handover_prepare(void)
{
	struct statx stx;
	int pair[2];
	int err;

	if (end_number(1) >= 0)
		return end_is_ours() ? 0 : -EBADF;
	err = (int)SYS_CALL(__NR_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair, 0, 0);
	if (err)
		return err;
	if (end_hide(pair[0], 0) < 0 || end_hide(pair[1], 1) < 0 ||
	    sys_statx(end_number(1), "", AT_EMPTY_PATH, STATX_INO, &stx)) {
		ends_close();
		return -EMFILE;
	}
	end_inode = stx.stx_ino;
	return 0;
}

int handover_begin(void)
{
	int err = (int)SYS_CALL(__NR_close_range, 0, ~0u, CLOSE_RANGE_UNSHARE, 0, 0, 0);
	int pidfd = err ? err : unusual_pidfd_open();

	if (pidfd < 0)
		return pidfd;
	for (int i = 0; i < 2 && !err; i++) {
		helper_ends[i] = unusual_pidfd_getfd(pidfd, end_number(i));
		err = helper_ends[i] < 0 ? helper_ends[i] : 0;
	}
	sys_close(pidfd);
	return err;
}

static void parcel_init(struct parcel *parcel, bool control)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->iov = (struct iovec){ &parcel->number, sizeof(parcel->number) };
	parcel->header.msg_iov = &parcel->iov;
	parcel->header.msg_iovlen = 1;
	if (!control)
		return;
	parcel->header.msg_control = &parcel->control;
	parcel->header.msg_controllen = sizeof(parcel->control);
}

int handover_put(uint32_t number, int fd)
{
	struct parcel parcel;
	ssize_t n;

	parcel_init(&parcel, true);
	parcel.number = number;
	parcel.control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
						  .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&parcel.control.header), &fd, sizeof(fd));
	n = SYS_CALL(__NR_sendmsg, helper_ends[0], &parcel.header, MSG_DONTWAIT | MSG_NOSIGNAL, 0,
		     0, 0);
	return n == sizeof(number) ? 0 : n < 0 ? (int)n : -EIO;
}

int handover_take(uint32_t number, bool close_on_exec)
{
	struct parcel parcel;
	int fd = -EMFILE; /* the kernel drops a file for which it has no number */
	ssize_t n;

	if (!end_is_ours())
		return -EBADF;
	parcel_init(&parcel, true);
	n = SYS_CALL(__NR_recvmsg, end_number(1), &parcel.header,
		     MSG_DONTWAIT | (close_on_exec ? MSG_CMSG_CLOEXEC : 0), 0, 0, 0);
	if (n < 0)
		return (int)n;
	if (parcel.header.msg_controllen >= CMSG_LEN(sizeof(int)) &&
	    parcel.control.header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&parcel.control.header), sizeof(fd));
	if (fd >= 0 && (n != sizeof(number) || parcel.number != number)) {
		record_locks_close(fd);
		return -EIO;
	}
	return fd;
}

bool handover_drop(bool helper)
{
	struct parcel parcel;

	if (!helper && !end_is_ours())
		return false;
	/* without room for it the kernel lets go of the file, and gives it no number */
	parcel_init(&parcel, false);
	return SYS_CALL(__NR_recvmsg, helper ? helper_ends[1] : end_number(1), &parcel.header,
			MSG_DONTWAIT, 0, 0, 0) >= 0;
}

bool handover_owns(int fd)
{
	return fd >= 0 && (fd == end_number(0) || fd == end_number(1));
}

void handover_fork_child(void)
{
	ends_close();
}
