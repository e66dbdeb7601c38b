/* SPDX-License-Identifier: MIT */
/*
 * What tells a program that another one is done: a lock that it gets, a name that is there or is gone, a connection.
 * The other may have changed any file before that, without the shim; here the change is the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <wchar.h>

#include "outside.h" /* before what makes system calls */

#include "base/sys.h"
#include "shim_looks.h"

static FILE *stream;

/* A file that is not below the configured directory. */
static int elsewhere(void)
{
	FILE *file = tmpfile();

	return file ? fileno(file) : -1;
}

static bool gets_flock(int channel, char letter)
{
	(void)letter;
	return !flock(channel, LOCK_EX);
}

int heard_flock(void)
{
	return news_rounds(file_warm(), gets_flock, elsewhere());
}

static bool gets_record_lock(int channel, char letter)
{
	struct flock lock = { .l_type = F_WRLCK };

	(void)letter;
	return !fcntl(channel, F_SETLKW, &lock);
}

int heard_record_lock(void)
{
	return news_rounds(file_warm(), gets_record_lock, elsewhere());
}

static bool gets_lockf(int channel, char letter)
{
	(void)letter;
	return !lockf(channel, F_LOCK, 1);
}

int heard_lockf(void)
{
	return news_rounds(file_warm(), gets_lockf, elsewhere());
}

static bool gets_new_file(int channel, char letter)
{
	char name[64];
	int fd;

	(void)channel;
	(void)letter;
	snprintf(name, sizeof(name), "/tmp/rawcache-looks.%d", getpid());
	fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
	SYS_CALL(__NR_unlinkat, AT_FDCWD, name, 0, 0, 0, 0);
	return fd >= 0 && !SYS_CALL(__NR_close, fd, 0, 0, 0, 0, 0);
}

int heard_new_file(void)
{
	return news_rounds(file_warm(), gets_new_file, -1);
}

static bool makes_directory(int channel, char letter)
{
	char name[] = "/tmp/rawcache-looks.XXXXXX";
	bool made = mkdtemp(name);

	(void)channel;
	(void)letter;
	SYS_CALL(__NR_unlinkat, AT_FDCWD, name, AT_REMOVEDIR, 0, 0, 0);
	return made;
}

int heard_mkdir(void)
{
	return news_rounds(file_warm(), makes_directory, -1);
}

static bool finds_name(int channel, char letter)
{
	(void)channel;
	(void)letter;
	return !access("/", F_OK);
}

int heard_access(void)
{
	return news_rounds(file_warm(), finds_name, -1);
}

static bool misses_name(int channel, char letter)
{
	struct stat st;

	(void)channel;
	(void)letter;
	return stat("/rawcache-does-not-exist", &st) && errno == ENOENT;
}

int heard_absent(void)
{
	return news_rounds(file_warm(), misses_name, -1);
}

static bool opens_name(int channel, char letter)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)channel;
	(void)letter;
	return fd >= 0 && !SYS_CALL(__NR_close, fd, 0, 0, 0, 0, 0);
}

int heard_open(void)
{
	return news_rounds(file_warm(), opens_name, -1);
}

static bool reads_event(int channel, char letter)
{
	uint64_t one = 1;

	(void)letter;
	return SYS_CALL(__NR_write, channel, &one, sizeof(one), 0, 0, 0) == sizeof(one) &&
	       !eventfd_read(channel, &one);
}

int heard_eventfd(void)
{
	return news_rounds(file_warm(), reads_event, eventfd(0, 0));
}

static bool reads_wide(int channel, char letter)
{
	wchar_t line[8];

	(void)letter;
	return SYS_CALL(__NR_write, channel, "\n", 1, 0, 0, 0) == 1 && fgetws(line, 8, stream);
}

static bool reads_wide_character(int channel, char letter)
{
	(void)letter;
	return SYS_CALL(__NR_write, channel, "\n", 1, 0, 0, 0) == 1 && fgetwc(stream) == L'\n';
}

static int by_wide(bool (*hears)(int channel, char letter))
{
	int fd = file_warm();
	int ends[2];

	if (pipe(ends))
		return fail("pipe");
	stream = fdopen(ends[0], "r");
	return news_rounds(fd, hears, ends[1]);
}

int heard_wide(void)
{
	return by_wide(reads_wide);
}

int heard_wide_character(void)
{
	return by_wide(reads_wide_character);
}

/* A socket without a name in the file system. */
static const struct sockaddr_un *address(void)
{
	static struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "rawcache-looks-%d", getpid());
	return &un;
}

static int listens(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (bind(fd, (const struct sockaddr *)address(), sizeof(struct sockaddr_un)) ||
	    listen(fd, 64))
		return -fail("listen");
	return fd;
}

/* The other side's part, past the shim. */
static int connects_outside(void)
{
	long fd = SYS_CALL(__NR_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0, 0);

	return SYS_CALL(__NR_connect, fd, address(), sizeof(struct sockaddr_un), 0, 0, 0) ? -1 :
											    (int)fd;
}

static bool accepts(int channel, char letter)
{
	int other = connects_outside();
	int fd = accept(channel, NULL, NULL);

	(void)letter;
	SYS_CALL(__NR_close, other, 0, 0, 0, 0, 0);
	return fd >= 0 && !close(fd);
}

int heard_accept(void)
{
	return news_rounds(file_warm(), accepts, listens());
}

static bool connects(int channel, char letter)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int ret = connect(fd, (const struct sockaddr *)address(), sizeof(struct sockaddr_un));

	(void)channel;
	(void)letter;
	return !ret && !close(fd);
}

int heard_connect(void)
{
	listens();
	return news_rounds(file_warm(), connects, -1);
}
