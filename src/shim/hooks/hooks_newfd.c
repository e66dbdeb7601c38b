/* SPDX-License-Identifier: MIT */
/*
 * Functions that return new descriptors. If a close was hidden from us (an inline system call, io_uring),
 * the old meaning of the number ends here at the latest.
 */
#include "shim/libc/symbols.h"

#include <sys/syscall.h>

#include "shim/files/fd.h"
#include "shim/hooks/hooks_newfd.h"
#include "shim/files/track.h"
#include "shim/files/tree.h"
#include "shim/table/news.h"

static int pair_new(int ret, const int *fds)
{
	if (!ret) {
		fd_new(fds[0]);
		fd_new(fds[1]);
	}
	return ret;
}

int socket(int domain, int type, int protocol)
{
	return fd_new(NEXT(socket)(domain, type, protocol));
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return pair_new(NEXT(socketpair)(domain, type, protocol, fds), fds);
}

int accept(int fd, __SOCKADDR_ARG address, socklen_t *length)
{
	return (int)news_from(fd_new(NEXT(accept)(fd, address, length)));
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *length, int flags)
{
	return (int)news_from(fd_new(NEXT(accept4)(fd, address, length, flags)));
}

int pipe(int fds[2])
{
	return pair_new(NEXT(pipe)(fds), fds);
}

int pipe2(int fds[2], int flags)
{
	return pair_new(NEXT(pipe2)(fds, flags), fds);
}

int eventfd(unsigned int count, int flags)
{
	return fd_new(NEXT(eventfd)(count, flags));
}

int epoll_create(int size)
{
	return fd_new(NEXT(epoll_create)(size));
}

int epoll_create1(int flags)
{
	return fd_new(NEXT(epoll_create1)(flags));
}

int timerfd_create(clockid_t clock, int flags)
{
	return fd_new(NEXT(timerfd_create)(clock, flags));
}

int signalfd(int fd, const sigset_t *mask, int flags)
{
	return fd_new(NEXT(signalfd)(fd, mask, flags));
}

int memfd_create(const char *name, unsigned int flags)
{
	return fd_new(NEXT(memfd_create)(name, flags));
}

/* A listener hears of changes before a look is due, and of frozen trees not at all. */
static void listens(void)
{
	tree_stop();
	news_any();
}

int inotify_init(void)
{
	listens();
	return fd_new(NEXT(inotify_init)());
}

int inotify_init1(int flags)
{
	listens();
	return fd_new(NEXT(inotify_init1)(flags));
}

int fanotify_init(unsigned int flags, unsigned int event_flags)
{
	listens();
	return fd_new(NEXT(fanotify_init)(flags, event_flags));
}

int shm_open(const char *name, int flags, mode_t mode)
{
	return fd_new(NEXT(shm_open)(name, flags, mode));
}

int pidfd_open(pid_t pid, unsigned int flags)
{
	return fd_new(NEXT(pidfd_open)(pid, flags));
}

/* The descriptor may be of one of our own processes, even of this one. */
int pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	int ret;

	tree_real(fd);
	fd_share(fd);
	ret = NEXT(pidfd_getfd)(pidfd, fd, flags);
	track_received(ret);
	return ret;
}

int posix_openpt(int flags)
{
	return fd_new(NEXT(posix_openpt)(flags));
}

int getpt(void)
{
	return fd_new(NEXT(getpt)());
}

int openpty(int *master, int *slave, char *name, const struct termios *termios,
	    const struct winsize *size)
{
	int ret = NEXT(openpty)(master, slave, name, termios, size);

	if (!ret) {
		fd_new(*master);
		fd_new(*slave);
	}
	return ret;
}

mqd_t mq_open(const char *name, int flags, ...)
{
	struct mq_attr *attributes = NULL;
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		attributes = va_arg(ap, struct mq_attr *);
		va_end(ap);
	}
	return fd_new(NEXT(mq_open)(name, flags, mode, attributes));
}

mqd_t __mq_open_2(const char *name, int flags)
{
	return fd_new(NEXT(__mq_open_2)(name, flags));
}

int fsopen(const char *type, unsigned int flags)
{
	return fd_new(NEXT(fsopen)(type, flags));
}

int fspick(int dir, const char *path, unsigned int flags)
{
	return fd_new(NEXT(fspick)(dir, path, flags));
}

int fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	return fd_new(NEXT(fsmount)(fd, flags, attributes));
}

int open_tree(int dir, const char *path, unsigned int flags)
{
	return fd_new(NEXT(open_tree)(dir, path, flags));
}

/* Temporary files may lie below a configured directory and get a lasting name later. */

int mkstemp(char *path)
{
	tree_touch(AT_FDCWD, path, TREE_NAME);
	return track_opened(NEXT(mkstemp)(path), O_RDWR | O_CREAT | O_EXCL);
}

int mkostemp(char *path, int flags)
{
	tree_touch(AT_FDCWD, path, TREE_NAME);
	return track_opened(NEXT(mkostemp)(path, flags), O_RDWR | O_CREAT | O_EXCL);
}

int mkstemps(char *path, int suffix)
{
	tree_touch(AT_FDCWD, path, TREE_NAME);
	return track_opened(NEXT(mkstemps)(path, suffix), O_RDWR | O_CREAT | O_EXCL);
}

int mkostemps(char *path, int suffix, int flags)
{
	tree_touch(AT_FDCWD, path, TREE_NAME);
	return track_opened(NEXT(mkostemps)(path, suffix, flags), O_RDWR | O_CREAT | O_EXCL);
}

/* --- by number */

/* The numbers are the same on all machines, but not in all headers. */
#define NUMBER_open_tree 428
#define NUMBER_fsopen 430
#define NUMBER_fsmount 432
#define NUMBER_fspick 433
#define NUMBER_pidfd_open 434
#define NUMBER_pidfd_getfd 438
#define NUMBER_landlock_create_ruleset 444
#define NUMBER_memfd_secret 447

static long by_number(long number, const long *a)
{
	return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static bool one_by_number(long number, const long *a, long *ret)
{
	switch (number) {
#ifdef SYS_epoll_create
	case SYS_epoll_create:
	case SYS_eventfd:
	case SYS_signalfd:
#endif
	case SYS_socket:
	case SYS_epoll_create1:
	case SYS_eventfd2:
	case SYS_signalfd4:
	case SYS_timerfd_create:
	case SYS_memfd_create:
	case SYS_mq_open:
	case SYS_userfaultfd:
	case SYS_perf_event_open:
	case SYS_bpf:
	case NUMBER_open_tree:
	case NUMBER_fsopen:
	case NUMBER_fsmount:
	case NUMBER_fspick:
	case NUMBER_pidfd_open:
	case NUMBER_landlock_create_ruleset:
	case NUMBER_memfd_secret:
		*ret = by_number(number, a);
		fd_new((int)*ret);
		return true;
#ifdef SYS_inotify_init
	case SYS_inotify_init:
#endif
	case SYS_inotify_init1:
	case SYS_fanotify_init:
		listens();
		*ret = by_number(number, a);
		fd_new((int)*ret);
		return true;
	case SYS_open_by_handle_at:
		*ret = track_opened((int)by_number(number, a), (int)a[2]);
		return true;
	case NUMBER_pidfd_getfd:
		fd_share((int)a[1]); /* perhaps of this very process */
		*ret = by_number(number, a);
		track_received((int)*ret);
		return true;
	default:
		return false;
	}
}

/* Two at once. */
static bool pair_by_number(long number, const long *a, long *ret)
{
	const int *fds;

	switch (number) {
#ifdef SYS_pipe
	case SYS_pipe:
#endif
	case SYS_pipe2:
		fds = (const int *)a[0];
		break;
	case SYS_socketpair:
		fds = (const int *)a[3];
		break;
	default:
		return false;
	}
	*ret = pair_new((int)by_number(number, a), fds);
	return true;
}

static bool accept_by_number(long number, const long *a, long *ret)
{
	if (number != SYS_accept && number != SYS_accept4)
		return false;
	*ret = by_number(number, a);
	fd_new((int)news_from(*ret));
	return true;
}

bool newfd_syscall(long number, const long *a, long *ret)
{
	return accept_by_number(number, a, ret) || one_by_number(number, a, ret) ||
	       pair_by_number(number, a, ret);
}

HOOK_ALIAS(__pipe, pipe);
HOOK_ALIAS(mkstemp64, mkstemp);
HOOK_ALIAS(mkostemp64, mkostemp);
HOOK_ALIAS(mkstemps64, mkstemps);
HOOK_ALIAS(mkostemps64, mkostemps);
