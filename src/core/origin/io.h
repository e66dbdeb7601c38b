/* SPDX-License-Identifier: MIT */
/*
 * The bulk I/O of fills, behind a small interface that several backends implement. A request reads a part
 * of an origin file into a buffer while the program goes on. It belongs to the caller that started it, must
 * stay at its address until `done`, and is finished by any thread that looks: with io_uring in io_poll()
 * and io_wait(), with threads at once.
 *
 * While it is read, the kernel (io_uring) or a helper thread (threads) holds the open file: the program may
 * close its descriptor at any moment. Neither makes a descriptor in the program's table, because closing
 * that one would drop the program's POSIX locks on the file.
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

/* Of `instead`. No system call returns it: a FUSE server may answer a read with any error number. */
#define IO_ASKED INT32_MIN

struct io_request {
	struct file *file; /* a reference that the starter holds until `done` */
	char *buf;
	uint64_t offset;
	uint32_t length;
	int32_t result; /* number of bytes, or -errno; valid when `done` */
	uint32_t done;	/* futex; IO_DONE, or IO_LOST: nobody knows when the buffer is free */
	int fd;
	bool urgent;   /* a program waits for it: set at the start, or by io_wait() */
	bool forget;   /* drop the pages of this range from the kernel's cache afterwards */
	bool unwanted; /* nobody will use it: it need not be read if the read has not begun */
	/*
	 * Nothing is read: confirm_by_path() is called a while after the request, or at once if a caller is
	 * in a `hurry` (futex). The result is 1 or 0; it holds for what had arrived by then:
	 * clock_mono_ns().
	 */
	bool look;
	uint32_t hurry;
	uint64_t looked;
	/*
	 * May be NULL; only used if the backend `arrives`. The helper calls it before it reads, to ask whether the
	 * bytes come from elsewhere. `fd` is of the file. Returns `length`, and sets `elsewhere`; or 0: read the
	 * file; or IO_ASKED: wait. Then the helper calls `ask`, the party that was asked calls io_resume() when
	 * it has an answer, and a helper calls `instead` again.
	 */
	int32_t (*instead)(struct io_request *request, int fd);
	void (*ask)(struct io_request *request);
	bool light; /* its bytes came from elsewhere: the job takes no reader's place in the lane of its mount */
	bool asks; /* `instead` must be called first: the job need not wait for those that read the mount */
	bool reads; /* `instead` was called, and the mount must be read */
	void (*origin_read)(struct io_request *request); /* called when `unchanged` is known */
	/*
	 * Used after io_race(): see race.h. `rival` puts the bytes that came from elsewhere into `buf`, or returns
	 * 0. `lost` is called once, by the side that does not end the request; `read` is true, and `got` its
	 * result, if that side has read the origin.
	 */
	uint32_t race;
	int32_t (*rival)(struct io_request *request, char *buf);
	void (*lost)(struct io_request *request, bool read, int32_t got);
	struct io_request *
		overtakes; /* set in a request that io_rival() queues: the request that it may end */
	uint64_t took;	   /* nanoseconds that the read took; set if `instead` is */
	bool elsewhere;	   /* the bytes did not come from the origin */
	bool unchanged; /* after the read, the file was in the expected state; set if the backend `arrives` */
	const struct io_backend *backend; /* the backend that has the request */
	uint32_t *place;		  /* in the lane of its mount: see io_lanes.h */
	/*
	 * Only if the backend `arrives`: a helper thread calls it once, after `done`; the request must last
	 * until it returns.
	 */
	void (*arrived)(struct io_request *request);
	struct pool_job job;
};

enum { IO_RUNNING, IO_DONE, IO_LOST };

struct io_backend {
	const char *name;
	bool arrives; /* it calls io_request.arrived */
	/* 0: under way; -errno: not started, and never will be */
	int (*start)(struct rawcache *cache, struct io_request *request);
	void (*hurry)(struct io_request *request); /* or NULL: it is waited for from now on */
	/* Sleep for a while, or until a request is done; and collect those that are done. */
	void (*wait)(struct io_request *request);
	void (*poll)(void);
	void (*forget)(struct file *file); /* or NULL; see io_forget() */
	void (*fork_prepare)(void);
	void (*fork_parent)(void);
	void (*fork_child)(void); /* forget all requests: they are the parent's */
	bool (*owns_fd)(int fd);
};

extern const struct io_backend io_uring_backend;
extern const struct io_backend io_threads_backend;

/*
 * The backend that options.io asks for, or the best that works here; NULL: none, and nothing is read ahead.
 * This process does not try a backend again that has failed.
 */
const struct io_backend *io_backend_choose(const struct rawcache *cache);

/* Start a request; if the backend fails, with the next one. -ENOSYS: there is none. */
int io_start(struct rawcache *cache, struct io_request *request);
void io_wait(struct io_request *request);

/* For `ask`: let a helper continue with the request. Any thread may call it. */
void io_resume(struct io_request *request);

/* The same, but read the origin now. The answer may still come: then io_rival() must be called, once. */
void io_race(struct io_request *request);

/*
 * The answer has come. Returns false if nobody has begun to read the origin: then `instead` is asked once more, and
 * `lost` is not called.
 */
bool io_rival(struct io_request *request, struct io_request *rival);

/*
 * Let a helper thread check whether request->file is unchanged; it then calls request->arrived. `make`: as
 * for pool_add(). 0, or -errno if there is no helper.
 */
int io_look(struct io_request *request, bool make);
void io_look_hurry(struct io_request *request);
void io_poll(void);

/* Call when the program closes the file: if possible, nothing keeps it open. */
void io_forget(struct file *file);

static inline bool io_done(const struct io_request *request)
{
	return __atomic_load_n(&request->done, __ATOMIC_ACQUIRE) != IO_RUNNING;
}

/* Read `n` bytes, or up to the end of the file, in this thread. Returns the count or -errno. */
ssize_t io_read_origin(int fd, void *buf, size_t n, uint64_t offset);

void io_fork_prepare(void);
void io_fork_parent(void);
void io_fork_child(void);
bool io_owns_fd(int fd);

#endif
