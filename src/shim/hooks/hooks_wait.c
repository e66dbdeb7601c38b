/* SPDX-License-Identifier: MIT */
/*
 * Calls by which a process hears of others: that a child has ended, a message, a signal that it waits for. They are
 * libc's own, and counted (news.h): the other may have changed files that this one has open, without the shim.
 */
#include "shim/libc/symbols.h"

#include "shim/table/news.h"

/* WNOHANG: 0, nobody has ended. */
static inline pid_t ended(pid_t pid)
{
	if (pid > 0)
		news_end();
	return pid;
}

pid_t wait(int *status)
{
	return ended(NEXT(wait)(status));
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return ended(NEXT(waitpid)(pid, status, options));
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return ended(NEXT(wait3)(status, options, usage));
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return ended(NEXT(wait4)(pid, status, options, usage));
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int ret = NEXT(waitid)(type, id, info, options);

	if (!ret)
		news_end();
	return ret;
}

ssize_t recv(int fd, void *buf, size_t n, int flags)
{
	return news_from(NEXT(recv)(fd, buf, n, flags));
}

ssize_t __recv_chk(int fd, void *buf, size_t n, size_t room, int flags)
{
	return news_from(NEXT(__recv_chk)(fd, buf, n, room, flags));
}

ssize_t recvfrom(int fd, void *buf, size_t n, int flags, __SOCKADDR_ARG address, socklen_t *length)
{
	return news_from(NEXT(recvfrom)(fd, buf, n, flags, address, length));
}

ssize_t __recvfrom_chk(int fd, void *buf, size_t n, size_t room, int flags, __SOCKADDR_ARG address,
		       socklen_t *length)
{
	return news_from(NEXT(__recvfrom_chk)(fd, buf, n, room, flags, address, length));
}

ssize_t msgrcv(int queue, void *message, size_t n, long type, int flags)
{
	return news_from(NEXT(msgrcv)(queue, message, n, type, flags));
}

ssize_t mq_receive(mqd_t queue, char *message, size_t n, unsigned int *priority)
{
	return news_from(NEXT(mq_receive)(queue, message, n, priority));
}

ssize_t mq_timedreceive(mqd_t queue, char *message, size_t n, unsigned int *priority,
			const struct timespec *timeout)
{
	return news_from(NEXT(mq_timedreceive)(queue, message, n, priority, timeout));
}

int semop(int id, struct sembuf *operations, size_t n)
{
	return (int)news_from(NEXT(semop)(id, operations, n));
}

int semtimedop(int id, struct sembuf *operations, size_t n, const struct timespec *timeout)
{
	return (int)news_from(NEXT(semtimedop)(id, operations, n, timeout));
}

int sigwait(const sigset_t *set, int *sig)
{
	int err = NEXT(sigwait)(set, sig);

	news_hear();
	return err;
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t length)
{
	return (int)news_from(NEXT(connect)(fd, address, length));
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return (int)news_from(NEXT(sigwaitinfo)(set, info));
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	return (int)news_from(NEXT(sigtimedwait)(set, info, timeout));
}

/* It returns when a handler has run, which hears of something. */
int pause(void)
{
	int ret = NEXT(pause)();

	news_hear();
	return ret;
}

/* --- what libc reads by calls of its own */

int eventfd_read(int fd, eventfd_t *value)
{
	return (int)news_from(NEXT(eventfd_read)(fd, value));
}

wchar_t *fgetws(wchar_t *line, int n, FILE *stream)
{
	wchar_t *got = NEXT(fgetws)(line, n, stream);

	news_hear();
	return got;
}

#undef getwc
#undef getwchar

/* Whether the next wide character is in memory. This is how glibc's struct _IO_wide_data begins. */
static bool wide_waits(const FILE *stream)
{
	const struct {
		const wchar_t *next, *end;
	} *wide = (const void *)stream->_wide_data;

	/* of a stream of bytes the pointer may be -1 */
	return stream->_mode > 0 && wide->next < wide->end;
}

static wint_t wide_next(wint_t (*next)(FILE *stream), FILE *stream)
{
	bool waits = wide_waits(stream);
	wint_t got = next(stream);

	if (!waits)
		news_hear();
	return got;
}

wint_t fgetwc(FILE *stream)
{
	return wide_next(NEXT(fgetwc), stream);
}

wint_t getwc(FILE *stream)
{
	return wide_next(NEXT(getwc), stream);
}

wint_t getwchar(void)
{
	return wide_next(NEXT(getwc), stdin);
}

HOOK_ALIAS(__wait, wait);
HOOK_ALIAS(__waitpid, waitpid);
