/* SPDX-License-Identifier: MIT */
/* Answers to the calls that the filter passes on. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "notify.h"

static bool string_read(pid_t pid, uint64_t at, char *text, size_t room)
{
	size_t n = 0;

	while (n < room) {
		/* not across a page: the next one may not be there */
		size_t part = 4096 - (at + n) % 4096;
		struct iovec ours = { text + n, part < room - n ? part : room - n };
		struct iovec theirs = { (void *)(uintptr_t)(at + n), ours.iov_len };

		if (process_vm_readv(pid, &ours, 1, &theirs, 1, 0) != (ssize_t)ours.iov_len)
			return false;
		if (memchr(ours.iov_base, 0, ours.iov_len))
			return true;
		n += ours.iov_len;
	}
	return false;
}

/* A process that sees the same names with the same rights: what this supervisor opens is what it would. */
static bool like_us(pid_t pid)
{
	struct stat ours, theirs;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/root", pid);
	if (stat("/", &ours) || stat(name, &theirs) || ours.st_ino != theirs.st_ino ||
	    ours.st_dev != theirs.st_dev)
		return false;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	return !stat(name, &theirs) && theirs.st_uid == geteuid() && theirs.st_gid == getegid();
}

/* The file that the call names, O_PATH, and its path, if it lies below DIR. */
static int origin_open(const struct seccomp_notif *call, char *path, size_t room)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (call->data.args[2] & O_NOFOLLOW),
				.resolve = RESOLVE_NO_MAGICLINKS };
	int at = AT_FDCWD, fd;
	char name[64], wanted[PATH_MAX];
	ssize_t n;

	if (!string_read((pid_t)call->pid, call->data.args[1], wanted, sizeof(wanted)))
		return -1;
	if (wanted[0] == '/' && strncmp(wanted, dir, dir_length))
		return -1; /* a link elsewhere that leads below DIR is not followed */
	if (wanted[0] != '/') {
		if ((int)call->data.args[0] == AT_FDCWD)
			snprintf(name, sizeof(name), "/proc/%d/cwd", (int)call->pid);
		else
			snprintf(name, sizeof(name), "/proc/%d/fd/%d", (int)call->pid,
				 (int)call->data.args[0]);
		at = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (at < 0)
			return -1;
	}
	fd = (int)syscall(SYS_openat2, at, wanted, &how, sizeof(how));
	if (at >= 0)
		close(at);
	if (fd < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, room - 1);
	path[n < 0 ? 0 : n] = '\0';
	if (!strncmp(path, dir, dir_length) && path[dir_length] == '/' && like_us((pid_t)call->pid))
		return fd;
	close(fd);
	return -1;
}

/* True: answered, by the same call that puts the descriptor into the program's table. */
static bool answer_open(const struct seccomp_notif *call)
{
	struct seccomp_notif_addfd add = { .id = call->id,
					   .flags = SECCOMP_ADDFD_FLAG_SEND,
					   .newfd_flags = call->data.args[2] & O_CLOEXEC };
	char path[PATH_MAX], name[64];
	int origin = origin_open(call, path, sizeof(path));
	struct kept *k;
	int fd, new;

	if (origin < 0)
		return false;
	k = kept_get(origin, path);
	close(origin);
	if (!k)
		return false;
	/* each open has a position of its own */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", k->memory);
	fd = open(name, O_RDONLY | O_CLOEXEC | (int)(call->data.args[2] & O_NONBLOCK));
	if (fd < 0)
		return false;
	add.srcfd = (uint32_t)fd;
	new = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	close(fd);
	return new >= 0;
}

/* The memfd that is the descriptor `fd` of the thread; NULL: it is something else. */
static struct kept *kept_of(pid_t pid, int fd)
{
	struct stat st;
	struct kept *k = NULL;
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/fd/%d", pid, fd);
	if (!memory_device || stat(name, &st) || st.st_dev != memory_device)
		return NULL;
	pthread_mutex_lock(&lock);
	k = kept_by_inode(st.st_ino);
	pthread_mutex_unlock(&lock);
	return k;
}

/* fstat(fd, to), newfstatat(fd, "", to, flags), statx(fd, "", flags, mask, to) */
static bool answer_stat(const struct seccomp_notif *call, struct seccomp_notif_resp *answer)
{
	const struct seccomp_data *d = &call->data;
	struct kept *k = kept_of((pid_t)call->pid, (int)d->args[0]);
	struct iovec ours, theirs;
	struct statx stx;
	struct stat st;
	char first = 0;
	uint64_t to;
	long failed;

	if (!k)
		return false;
	/* AT_EMPTY_PATH with a name is no question about the descriptor */
	if (d->nr != __NR_fstat && d->args[1] &&
	    !string_read((pid_t)call->pid, d->args[1], &first, 1))
		return false;
	if (d->nr == __NR_statx) {
		failed = syscall(SYS_statx, k->origin, "", (int)d->args[2],
				 (unsigned int)d->args[3], &stx);
		ours = (struct iovec){ &stx, sizeof(stx) };
		to = d->args[4];
	} else {
		failed = syscall(SYS_fstat, k->origin, &st);
		ours = (struct iovec){ &st, sizeof(st) };
		to = d->args[d->nr == __NR_fstat ? 1 : 2];
	}
	theirs = (struct iovec){ (void *)(uintptr_t)to, ours.iov_len };
	if (failed)
		answer->error = -errno;
	else if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id))
		return false; /* the program is gone, and its number may be another's */
	else if (process_vm_writev((pid_t)call->pid, &ours, 1, &theirs, 1, 0) !=
		 (ssize_t)ours.iov_len)
		answer->error = -EFAULT;
	return true;
}

static void call_answer(const struct seccomp_notif *call)
{
	struct seccomp_notif_resp answer = { .id = call->id };

	if (!pass && call->data.nr == __NR_openat && answer_open(call)) {
		__atomic_fetch_add(&answered, 1, __ATOMIC_RELAXED);
		return;
	}
	if (pass || call->data.nr == __NR_openat || !answer_stat(call, &answer))
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	/* fails where the program was killed or a signal came: it asks again */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}

void *calls_answer(void *unused)
{
	struct seccomp_notif call;

	(void)unused;
	for (;;) {
		memset(&call, 0, sizeof(call));
		if (!ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
			call_answer(&call);
		else if (errno != EINTR && errno != ENOENT)
			return NULL;
	}
}
