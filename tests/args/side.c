/* SPDX-License-Identifier: MIT */
#include "args.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/fs.h>

struct side sides[2];

static const char *directory[2], *far_directory;
static bool fixed[2];

/* A name in the directory of a side. */
static const char *name_of(int i, const char *name)
{
	static char path[2][4096];

	snprintf(path[i], sizeof(path[i]), "%s/%s", directory[i], name);
	return path[i];
}

static int far_open(int i)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/args-%d.%d", far_directory, (int)getpid(), i);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unlink(path);
	return fd;
}

/* chattr +i or -i */
static bool file_fix(int fd, bool on)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return false;
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	return !ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static int fixed_open(int i)
{
	int fd;

	if (fixed[i])
		return open(name_of(i, "fixed"), O_RDONLY);
	fd = open(name_of(i, "fixed"), O_RDWR | O_CREAT, 0600);
	fixed[i] = fd >= 0 && file_fix(fd, true);
	return fd;
}

static int sealed_open(void)
{
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING);

	if (ftruncate(fd, 100000) || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW))
		return -1;
	return fd;
}

static void pipe_open(struct side *s)
{
	int p[2];

	if (pipe2(p, O_NONBLOCK))
		return;
	s->fd[SLOT_PIPE_IN] = p[0];
	s->fd[SLOT_PIPE_OUT] = p[1];
}

static void socket_open(struct side *s)
{
	int p[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p))
		return;
	s->fd[SLOT_SOCKET_IN] = p[0];
	s->fd[SLOT_SOCKET_OUT] = p[1];
}

static int slot_open(int i, enum slot slot)
{
	switch (slot) {
	case SLOT_READER:
	case SLOT_ANOTHER:
		return open(name_of(i, "one"), O_RDONLY);
	case SLOT_OTHER:
		return open(name_of(i, "two"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	case SLOT_SAME_IN:
		return open(name_of(i, "same"), O_RDONLY);
	case SLOT_SAME_OUT:
		return open(name_of(i, "same"), O_RDWR);
	case SLOT_TARGET:
		return open(name_of(i, "target"), O_RDWR | O_CREAT, 0600);
	case SLOT_WRITER:
		return open(name_of(i, "written"), O_WRONLY | O_CREAT, 0600);
	case SLOT_APPENDER:
		return open(name_of(i, "appended"), O_WRONLY | O_APPEND | O_CREAT | O_TRUNC, 0600);
	case SLOT_FIXED:
		return fixed_open(i);
	case SLOT_FAR:
		return far_open(i);
	case SLOT_PATH:
		return open(name_of(i, "one"), O_PATH);
	case SLOT_DIRECTORY:
		return open(directory[i], O_RDONLY | O_DIRECTORY);
	case SLOT_NULL:
		return open("/dev/null", O_RDWR);
	case SLOT_EVENT:
		return eventfd(0, EFD_NONBLOCK);
	case SLOT_SEALED:
		return sealed_open();
	default:
		return 999; /* nobody has that one */
	}
}

static void slot_set(int i, enum slot slot)
{
	struct side *s = &sides[i];

	if (slot == SLOT_PIPE_IN || slot == SLOT_SOCKET_IN) {
		close(s->fd[slot]);
		close(s->fd[slot + 1]);
		if (slot == SLOT_PIPE_IN)
			pipe_open(s);
		else
			socket_open(s);
	} else if (slot != SLOT_PIPE_OUT && slot != SLOT_SOCKET_OUT) {
		close(s->fd[slot]);
		s->fd[slot] = slot_open(i, slot);
	}
}

void sides_reopen(void)
{
	enum slot slot = (enum slot)draw(SLOTS);

	/* that one is opened for writing once: see fixed_open() */
	for (int i = 0; slot != SLOT_FIXED && i < 2; i++)
		slot_set(i, slot);
}

static int side_open(int i)
{
	struct side *s = &sides[i];
	off_t *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);

	s->room = mmap(NULL, ROOM + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (page == MAP_FAILED || s->room == MAP_FAILED)
		return -1;
	*page = PAGE;
	mprotect(page, PAGE, PROT_READ);
	mprotect((char *)page + PAGE, PAGE, PROT_NONE);
	mprotect(s->room + ROOM, PAGE, PROT_NONE);
	s->fixed = page;
	memset(s->fd, -1, sizeof(s->fd));
	for (enum slot slot = 0; slot < SLOTS; slot++)
		slot_set(i, slot);
	return s->fd[SLOT_READER] < 0 || s->fd[SLOT_TARGET] < 0 || s->fd[SLOT_SAME_OUT] < 0 ? -1 :
											      0;
}

int sides_open(const char *cached, const char *plain, const char *far)
{
	directory[0] = cached;
	directory[1] = plain;
	far_directory = far;
	return side_open(0) || side_open(1) ? -1 : 0;
}

void sides_close(void)
{
	for (int i = 0; i < 2; i++)
		if (fixed[i])
			file_fix(sides[i].fd[SLOT_FIXED], false);
}

void *side_buffer(struct side *s)
{
	switch (a.buffer) {
	case POINTER_NULL:
		return NULL;
	case POINTER_LOW:
		return (void *)8;
	case POINTER_HIGH:
		return (void *)(UINTPTR_MAX - 100);
	case POINTER_EDGE:
		return s->room + ROOM - 10;
	case POINTER_FIXED:
		return (void *)s->fixed;
	default:
		return s->room;
	}
}

off_t *side_offset(struct side *s, int which)
{
	switch (a.offset[which]) {
	case POINTER_NULL:
		return NULL;
	case POINTER_LOW:
		return (off_t *)8;
	case POINTER_HIGH:
		return (off_t *)(UINTPTR_MAX - 7);
	case POINTER_EDGE:
		return (off_t *)(s->room + ROOM - 4);
	case POINTER_FIXED:
		return (off_t *)s->fixed;
	default:
		s->offset[which] = a.at[which];
		return &s->offset[which];
	}
}

void side_vectors(struct side *s, struct iovec *iov)
{
	char *at = s->room;

	for (int i = 0; i < VECTORS; i++) {
		iov[i].iov_base = at;
		iov[i].iov_len = a.cut[i];
		at += a.cut[i] < ROOM / VECTORS ? a.cut[i] : 0;
	}
	if (a.buffer != POINTER_GOOD)
		iov[a.bad].iov_base = side_buffer(s);
}
