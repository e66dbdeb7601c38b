/* SPDX-License-Identifier: MIT */
/* What tells a program of a change before a look is due: the kernel's notices, and a mapping of the file. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim_looks.h"

#define ROUNDS 8

/* Cached reads, a change, and when the program has heard of it, a read by each descriptor. */
static int rounds_by(const int fds[2], bool (*hears)(int channel, char letter), int channel)
{
	for (int i = 0; i < ROUNDS; i++) {
		char letter = (char)('B' + i);

		tick();
		for (int k = 0; k < 3; k++)
			if (!has(fds[0], (char)(letter - 1)) || !has(fds[1], (char)(letter - 1)))
				return fail("before");
		change_range(letter, 0, BLOCK);
		if (!hears(channel, letter))
			return fail("nothing was heard");
		if (!has(fds[i % 2], letter) || !has(fds[!(i % 2)], letter))
			return fail("older than what was heard");
		tick();
	}
	return 0;
}

/* One descriptor is there before, the other is opened afterwards. */
int news_rounds(int before, bool (*hears)(int channel, char letter), int channel)
{
	const int fds[2] = { before, file_open(0) };

	return rounds_by(fds, hears, channel);
}

static bool event(int channel, char letter)
{
	char events[4096];
	struct pollfd poll_for = { .fd = channel, .events = POLLIN };

	(void)letter;
	if (poll(&poll_for, 1, 1000) != 1)
		return false;
	return read(channel, events, sizeof(events)) > 0;
}

int news_inotify(void)
{
	int fd = file_warm();
	int channel = inotify_init1(IN_CLOEXEC);

	if (inotify_add_watch(channel, path, IN_MODIFY) < 0)
		return fail("inotify");
	return news_rounds(fd, event, channel);
}

int news_number(void)
{
	int fd = file_warm();
	int channel = (int)syscall(SYS_inotify_init1, 0);

	if (inotify_add_watch(channel, path, IN_MODIFY) < 0)
		return fail("inotify");
	return news_rounds(fd, event, channel);
}

static bool signalled(int channel, char letter)
{
	struct timespec second = { 1, 0 };
	sigset_t set;

	(void)channel;
	(void)letter;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return sigtimedwait(&set, NULL, &second) == SIGIO;
}

static void signal_hold(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int news_directory(void)
{
	int fd = file_warm();
	char directory[4096];
	int channel;

	snprintf(directory, sizeof(directory), "%.*s", (int)(strrchr(path, '/') - path), path);
	channel = open(directory, O_RDONLY | O_DIRECTORY);
	signal_hold();
	if (fcntl(channel, F_NOTIFY, DN_MODIFY | DN_MULTISHOT))
		return fail("F_NOTIFY");
	return news_rounds(fd, signalled, channel);
}

/* The lease is given up by the time the change is made; what it told of is that there will be one. */
static bool leased(int channel, char letter)
{
	(void)channel;
	(void)letter;
	return true;
}

int news_lease(void)
{
	int fd = file_warm();

	signal_hold();
	if (fcntl(fd, F_SETLEASE, F_RDLCK) || fcntl(fd, F_SETLEASE, F_UNLCK))
		return fail("F_SETLEASE");
	return news_rounds(fd, leased, -1);
}

static const volatile char *seen;

static bool mapped(int channel, char letter)
{
	(void)channel;
	for (int ms = 0; ms < 2000 && *seen != letter; ms++)
		usleep(1000);
	return *seen == letter;
}

/* The first change takes the image's pages out of the mapping; the later ones are seen in the origin's at once. */
int news_mapped(void)
{
	int fd = file_warm();
	void *p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return fail("mmap");
	seen = p;
	return news_rounds(fd, mapped, -1);
}
