/* SPDX-License-Identifier: MIT */
/* Corners of an image that somebody cuts short while it is in use. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shim_corners.h"

int cut_short(void)
{
	off_t offset = 0;
	int fd = open_a(0);
	int ends[2];

	if (read(fd, buf, CHUNK) != CHUNK || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    sendfile(ends[1], fd, &offset, BLOCK) != BLOCK)
		return fail("sendfile before");
	if (truncate(getenv("IMAGE"), 1 << 20))
		return fail("truncate");
	if (sendfile(ends[1], fd, &offset, BLOCK) != BLOCK || read(ends[0], buf, BLOCK) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 1))
		return fail("sendfile after");
	if (pipe(ends) || splice(fd, &offset, ends[1], NULL, BLOCK, 0) != BLOCK ||
	    read(ends[0], buf, BLOCK) != BLOCK || !is_block(a, 2))
		return fail("splice after");
	return 0;
}

int cut_under_helpers(void)
{
	const char *image = getenv("RAWCACHE_DEVICE");
	int fd = open_a(0);

	if (!image || read(fd, buf, BLOCK) != BLOCK || truncate(image, 0))
		return fail("beginning");
	for (int n = 0; n < 700; n++)
		if (pread(fd, buf, BLOCK, (off_t)n * BLOCK) != BLOCK || !is_block(a, n))
			return fail("the bytes");
	return 0;
}

int cut_blocked(void)
{
	sigset_t all;

	sigfillset(&all);
	return sigprocmask(SIG_BLOCK, &all, NULL) ? fail("mask") : cut_under_helpers();
}

/* Where the cache looks for a chunk that nobody read yet, in a thread that holds every signal back. */
static int blocked_begin(void)
{
	const char *image = getenv("RAWCACHE_DEVICE");
	int fd = open_a(0);
	sigset_t all;

	sigfillset(&all);
	if (!image || read(fd, buf, BLOCK) != BLOCK || sigprocmask(SIG_BLOCK, &all, NULL) ||
	    truncate(image, 2 * BLOCK))
		exit(fail("beginning"));
	return fd;
}

int cut_sendfile(void)
{
	off_t offset = 4 * CHUNK;
	int fd = blocked_begin();
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    sendfile(ends[1], fd, &offset, BLOCK) != BLOCK || read(ends[0], buf, BLOCK) != BLOCK)
		return fail("sendfile");
	return is_block(a, 4 * CHUNK / BLOCK) ? 0 : fail("the bytes");
}

int cut_advise(void)
{
	int fd = blocked_begin();

	return posix_fadvise(fd, CHUNK, 0, POSIX_FADV_WILLNEED) ? fail("posix_fadvise") : 0;
}
