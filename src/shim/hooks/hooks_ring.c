/* SPDX-License-Identifier: MIT */
/*
 * io_uring and the kernel's asynchronous I/O.
 *
 * liburing makes its system calls itself, so its functions are hooks. A ring that it makes is a sign (sign.h)
 * at once. Programs that use syscall(2) come here from hooks_syscall.c, and ring.c inspects what they submit.
 *
 * Writes of a ring are announced around each call that enters it, and writes of io_submit() around that call;
 * writes that the kernel makes without a call are announced when the descriptor is closed.
 */
#include "shim/libc/symbols.h"

#include <sys/syscall.h>

#include "base/sys.h"

#include "shim/files/announce.h"
#include "shim/files/fd.h"
#include "shim/hooks/hooks_ring.h"
#include "shim/table/ring.h"
#include "shim/table/watch.h"

static int made(int ret)
{
	if (ret >= 0)
		past_begin(SIGN_RING);
	return ret;
}

int io_uring_queue_init(unsigned int entries, struct io_uring *ring, unsigned int flags)
{
	return made(NEXT(io_uring_queue_init)(entries, ring, flags));
}

int io_uring_queue_init_params(unsigned int entries, struct io_uring *ring,
			       struct io_uring_params *params)
{
	return made(NEXT(io_uring_queue_init_params)(entries, ring, params));
}

int io_uring_queue_init_mem(unsigned int entries, struct io_uring *ring,
			    struct io_uring_params *params, void *buf, size_t n)
{
	return made(NEXT(io_uring_queue_init_mem)(entries, ring, params, buf, n));
}

int io_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	return made(NEXT(io_uring_setup)(entries, params));
}

/* Must enclose every call that enters a ring. */
#define ENTERS(call) \
	do { \
		__typeof__(call) done_; \
		announce_any(); \
		done_ = (call); \
		announce_all(); \
		return done_; \
	} while (0)

int io_uring_submit(struct io_uring *ring)
{
	ENTERS(NEXT(io_uring_submit)(ring));
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned int count)
{
	ENTERS(NEXT(io_uring_submit_and_wait)(ring, count));
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
				     unsigned int count, struct __kernel_timespec *timeout,
				     sigset_t *mask)
{
	ENTERS(NEXT(io_uring_submit_and_wait_timeout)(ring, cqe, count, timeout, mask));
}

int io_uring_submit_and_get_events(struct io_uring *ring)
{
	ENTERS(NEXT(io_uring_submit_and_get_events)(ring));
}

int io_uring_get_events(struct io_uring *ring)
{
	ENTERS(NEXT(io_uring_get_events)(ring));
}

int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned int count,
		       struct __kernel_timespec *timeout, sigset_t *mask)
{
	ENTERS(NEXT(io_uring_wait_cqes)(ring, cqe, count, timeout, mask));
}

int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
			      struct __kernel_timespec *timeout)
{
	ENTERS(NEXT(io_uring_wait_cqe_timeout)(ring, cqe, timeout));
}

int __io_uring_get_cqe(struct io_uring *ring, struct io_uring_cqe **cqe, unsigned int submit,
		       unsigned int wait, sigset_t *mask)
{
	ENTERS(NEXT(__io_uring_get_cqe)(ring, cqe, submit, wait, mask));
}

int io_uring_enter(unsigned int fd, unsigned int submit, unsigned int wait, unsigned int flags,
		   sigset_t *mask)
{
	ENTERS(NEXT(io_uring_enter)(fd, submit, wait, flags, mask));
}

int io_uring_enter2(unsigned int fd, unsigned int submit, unsigned int wait, unsigned int flags,
		    void *arg, size_t n)
{
	ENTERS(NEXT(io_uring_enter2)(fd, submit, wait, flags, arg, n));
}

/* libaio may be loaded after us; its function is the system call and nothing else. */
int io_submit(void *context, long count, void **list)
{
	ring_aio(list, count);
	ENTERS((int)SYS_CALL(__NR_io_submit, context, count, list, 0, 0, 0));
}

int io_getevents(void *context, long least, long count, void *events, struct timespec *timeout)
{
	ENTERS((int)SYS_CALL(__NR_io_getevents, context, least, count, events, timeout, 0));
}

/* --- by number */

static long uring_setup(const long *a)
{
	long fd = NEXT(syscall)(SYS_io_uring_setup, a[0], a[1]);

	if (fd >= 0) {
		fd_new((int)fd);
		ring_made((int)fd, (const struct io_uring_params *)a[1]);
	}
	return fd;
}

static long uring_enter(const long *a)
{
	bool writes = ring_submits((int)a[0], (unsigned int)a[1], (unsigned int)a[3]);
	long ret;

	if (writes || sign_any())
		announce_any();
	ret = NEXT(syscall)(SYS_io_uring_enter, a[0], a[1], a[2], a[3], a[4], a[5]);
	announce_all();
	return ret;
}

static long uring_register(const long *a)
{
	if (a[1] == 33 /* IORING_REGISTER_RESIZE_RINGS */)
		ring_closed((int)a[0]);
	return NEXT(syscall)(SYS_io_uring_register, a[0], a[1], a[2], a[3]);
}

static long submits(long number, const long *a)
{
	ENTERS(NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

bool ring_syscall(long number, const long *a, long *ret)
{
	switch (number) {
	case SYS_io_uring_setup:
		*ret = uring_setup(a);
		return true;
	case SYS_io_uring_enter:
		*ret = uring_enter(a);
		return true;
	case SYS_io_uring_register:
		*ret = uring_register(a);
		return true;
	case SYS_io_submit:
		ring_aio((void *const *)a[2], a[1]);
		*ret = submits(number, a);
		return true;
	case SYS_io_getevents:
		*ret = submits(number, a);
		return true;
	default:
		return false;
	}
}
