/* SPDX-License-Identifier: MIT */
/*
 * The bulk I/O of fills, behind one small interface so that there can be several ways to do it.
 *
 * A request reads a part of an origin file into a buffer while the program goes on. It belongs
 * to whoever started it, stays where it is until `done`, and is finished by whichever thread
 * looks next: with io_uring in io_poll() and io_wait(), with threads at once.
 *
 * The kernel (io_uring), or a helper thread (threads), holds the open file while it reads: the
 * program may close its descriptor at any moment. Neither makes a descriptor in the program's
 * table, because closing one again would drop the program's POSIX locks on that file.
 */
#ifndef CORE_IO_H
#define CORE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/origin/pool.h"

struct rawcache;
struct file;

struct io_backend;
struct lane;

struct io_request {
	struct file *file; /* held by the starter until `done` */
	char *buf;
	uint64_t offset;
	uint32_t length;
	int32_t result; /* bytes, or -errno; valid when `done` */
	uint32_t done;	/* futex; IO_DONE, or IO_LOST: nobody knows when the buffer is free */
	int fd;
	bool urgent;   /* a program waits for it already */
	bool forget;   /* drop the file's pages of it from the kernel's cache */
	bool unwanted; /* nobody will use it: it need not be read, if that has not begun */
	/*
	 * Nothing is read: confirm_by_path(), a while after it was asked for, or at once when
	 * somebody is in a `hurry` (futex). The result is 1 or 0; it says so of what had come by
	 * then: clock_mono_ns().
	 */
	bool look;
	uint32_t hurry;
	uint64_t looked;
	/*
	 * Where the backend `arrives`; or NULL: asked by the helper before it reads, whether the bytes come from
	 * elsewhere. `fd` is of the file. Returns `length` and sets `elsewhere`, or 0: read it; or -EINPROGRESS:
	 * `ask` is called then, and the one that is asked has io_resume() called, after which this is called again.
	 */
	int32_t (*instead)(struct io_request *request, int fd);
	void (*ask)(struct io_request *request);
	bool light; /* it has come from elsewhere: no turn of its mount's is needed */
	void (*origin_read)(struct io_request *request); /* told then, when `unchanged` is known */
	/*
	 * Of io_race(), see race.h: `rival` has the bytes that came from elsewhere in `buf`, or returns 0. `lost` is
	 * called once by who does not end the request; `read`: with what it has read of the origin.
	 */
	uint32_t race;
	int32_t (*rival)(struct io_request *request, char *buf);
	void (*lost)(struct io_request *request, bool read, int32_t got);
	uint64_t took;	/* nanoseconds, that the read took; where `instead` is set */
	bool elsewhere; /* the bytes are not the origin's */
	bool unchanged; /* the file was what it should be after the read; where `arrives` */
	const struct io_backend *backend; /* that has it */
	struct lane *lane;		  /* the backend's */
	/*
	 * Where the backend `arrives`: called once by a helper thread, after `done`; the request
	 * must last until it returns.
	 */
	void (*arrived)(struct io_request *request);
	struct pool_job job;
};

enum { IO_RUNNING, IO_DONE, IO_LOST };

struct io_backend {
	const char *name;
	bool arrives; /* tells io_request.arrived */
	/* 0: under way; -errno: not started, and will not be. */
	int (*start)(struct rawcache *cache, struct io_request *request);
	/* Sleep a while, or until a request is done; and take note of those that are done. */
	void (*wait)(struct io_request *request);
	void (*poll)(void);
	void (*forget)(struct file *file); /* or NULL; see io_forget() */
	void (*fork_prepare)(void);
	void (*fork_parent)(void);
	void (*fork_child)(void); /* nothing is under way here */
	bool (*owns_fd)(int fd);
};

extern const struct io_backend io_uring_backend;
extern const struct io_backend io_threads_backend;

/*
 * The way that options.io asks for, or the best that works here; NULL: none, and nothing is read
 * ahead. A way that fails is not tried again by this process.
 */
const struct io_backend *io_backend_choose(const struct rawcache *cache);

/* Start a request, falling back to the next way. -ENOSYS: there is none. */
int io_start(struct rawcache *cache, struct io_request *request);
void io_wait(struct io_request *request);

/* For `ask`: a helper goes on with it. Any thread may call it. */
void io_resume(struct io_request *request);

/* The same, to read the origin now: the answer may come still, and io_rival() is called then, once. */
void io_race(struct io_request *request);

/* False: nobody has begun to read, and `instead` is asked once more: `lost` is not called then. */
bool io_rival(struct io_request *request);

/*
 * Have a helper thread look whether request->file is what it was; request->arrived is called then.
 * `make`: as for pool_add(). 0, or why there is nobody who could.
 */
int io_look(struct io_request *request, bool make);
void io_look_hurry(struct io_request *request);
void io_poll(void);

/* The program closes the file: have nothing of it open, if it can be helped. */
void io_forget(struct file *file);

static inline bool io_done(const struct io_request *request)
{
	return __atomic_load_n(&request->done, __ATOMIC_ACQUIRE) != IO_RUNNING;
}

/* Read until `n` bytes or the end of the file, in this thread; returns the count or -errno. */
ssize_t io_read_origin(int fd, void *buf, size_t n, uint64_t offset);

void io_fork_prepare(void);
void io_fork_parent(void);
void io_fork_child(void);
bool io_owns_fd(int fd);

#endif
