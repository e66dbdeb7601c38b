/* SPDX-License-Identifier: MIT */
/*
 * rawcache: a raw-disk cache shared by all processes of a machine.
 *
 * Conventions of all public headers:
 *  - Functions return 0 or a count on success and a negative errno value on failure; none
 *    sets errno. Sizes and offsets are in bytes unless a name says otherwise.
 *  - A pointer that a function gets is used during the call only, unless its comment says more. A parameter
 *    `cache` is what rawcache_attach() gave, `file` a handle that rawcache_file_open() gave; `arg` is passed on to
 *    the function beside it.
 *  - Errors are listed one a line. -EIO (the image's storage failed) and -ENOMEM may come from each function that
 *    returns errors, and are not repeated.
 *  - All functions may be called from any thread at any time, except that rawcache_detach()
 *    must be the last use of its cache. None may be called in a signal handler, except
 *    rawcache_file_read() and those that say so.
 *  - All came with version 0.2.0, unless a comment says "Since".
 *  - A child made by fork() may go on using a cache: it attaches anew at its first need.
 *  - The library starts no thread before the first need and installs no signal handler.
 *
 * A process holds one struct rawcache per image. It maps the image, holds two descriptors
 * (high-numbered, close-on-exec) and one slot of the runtime segment.
 */
#ifndef RAWCACHE_RAWCACHE_H
#define RAWCACHE_RAWCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/stats.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rawcache;

/* The library's version, "0.2.0". Static storage. */
const char *rawcache_version(void);

/* What reads the origin ahead of a program. */
enum rawcache_io {
	RAWCACHE_IO_AUTO,    /* helper threads */
	RAWCACHE_IO_URING,   /* io_uring; helper threads where the kernel does not allow it */
	RAWCACHE_IO_THREADS, /* helper threads */
	RAWCACHE_IO_SYNC     /* nothing is read ahead: the reading thread reads and stores */
};

/* What this process does with the tier of options.tier. */
enum rawcache_tier {
	RAWCACHE_TIER_RW,   /* asks it, and puts what it reads of the origin */
	RAWCACHE_TIER_READ, /* asks it only */
	RAWCACHE_TIER_OFF
};

/* When an extent is compared with its checksum before it is used. */
enum rawcache_verify {
	RAWCACHE_VERIFY_BOOT,	/* at its first use after the machine was started */
	RAWCACHE_VERIFY_ALWAYS, /* at each look into the index */
	RAWCACHE_VERIFY_NEVER
};

/* A tunable that is 0 where 0 means something uses this for "let the cache choose". */
#define RAWCACHE_AUTO UINT64_MAX

/*
 * How to use a cache. Start from rawcache_options_init(). Strings are read during the call
 * only. The environment variable with the same meaning is named on the right; the library
 * itself reads no environment.
 */
struct rawcache_options {
	size_t struct_size;	 /* set by rawcache_options_init() */
	const char *device;	 /* image file or block device           RAWCACHE_DEVICE */
	const char *runtime_dir; /* NULL: POSIX shared memory            RAWCACHE_RUNTIME_DIR */
	uint64_t mmap_threshold; /* bytes, or RAWCACHE_AUTO              RAWCACHE_MMAP_THRESHOLD */
	uint64_t readahead;	 /* bytes, 0: none                       RAWCACHE_READAHEAD */
	uint32_t ttl;		 /* seconds, 0: none                     RAWCACHE_TTL */
	uint32_t settle_ms;	 /* milliseconds                         RAWCACHE_SETTLE */
	uint8_t sendfile;	 /* 0: never from the image              RAWCACHE_SENDFILE */
	uint8_t direct;		 /* 1: O_DIRECT fills                    RAWCACHE_DIRECT */
	uint8_t io;		 /* enum rawcache_io                     RAWCACHE_IO */
	uint8_t verify;		 /* enum rawcache_verify                 RAWCACHE_VERIFY */
	uint8_t read_only;	 /* 1: never store, hold no slot */
	uint8_t allow_shared;	 /* 1: accept an image that others may write */
	uint8_t keep_origin;	 /* 1: leave its page cache alone        RAWCACHE_KEEP */
	uint8_t manual_fork;	 /* 1: the caller calls rawcache_fork_*() itself */
	/*
	 * Optional (NULL: none): returns a counter that changes whenever `fd` is closed or replaced. It
	 * must not return 0, except while `fd` is being replaced. Any thread may call it. For embedders
	 * whose threads replace descriptors that other threads read from.
	 */
	uint32_t (*number)(int fd);
	/* how often mapped files are looked at, milliseconds; UINT32_MAX: never */
	uint32_t look_ms;
	uint8_t trust;	       /* 1: store without asking the server   RAWCACHE_TRUST */
	uint8_t tier_mode;     /* enum rawcache_tier                   RAWCACHE_TIER_MODE */
	uint32_t tier_ttl;     /* seconds, 0: for ever                 RAWCACHE_TIER_TTL */
	uint32_t tier_epoch;   /* raised: nothing of before is used    RAWCACHE_TIER_EPOCH */
	const char *tier;      /* NULL, or servers: HOST:PORT,...      RAWCACHE_TIER */
	const char *tier_key;  /* file of the secret                   RAWCACHE_TIER_KEY */
	const char *tier_name; /* DIR=NAME:...                         RAWCACHE_TIER_NAME */
	/*
	 * dlopen() and dlsym(), for options.tier: libsodium is loaded by them, by a helper thread. NULL: there is no
	 * tier.
	 */
	void *(*library_open)(const char *name, int flags);
	void *(*library_find)(void *library, const char *name);
	uint8_t tier_prefer; /* 1: asked also where it is no faster     RAWCACHE_TIER_PREFER */
	/* bytes of the image in the page tables for reads, 16 MiB or more; 0: 256 MiB   RAWCACHE_RESIDENT */
	uint64_t resident;
};

/*
 * Fill *options, of `size` bytes (sizeof(struct rawcache_options)), with the defaults. A program built
 * with an older, shorter struct goes on working; so does one built with a newer struct as long as it sets
 * nothing that this library does not know.
 */
void rawcache_options_init(struct rawcache_options *options, size_t size);

/*
 * Attach the calling process to an image.
 *
 * @options: filled by rawcache_options_init(), with `device` set
 * @cache: gets the cache, which is the caller's until rawcache_detach()
 * @reason: gets why the call failed, for rawcache_reason_text(); may be NULL
 *
 * Returns 0.
 * Errors:
 * -EINVAL: no device, options that rawcache_options_init() did not fill, or a damaged image
 * -E2BIG: an option is set that this version does not know
 * -ENOENT: there is no image
 * -EMEDIUMTYPE: the file or device never was an image
 * -EPROTONOSUPPORT: a newer version made the image
 * -EPERM: others may write the image
 * -EBUSY: its users have a runtime segment that is not reachable here
 * -EAGAIN: all slots are taken
 * -E...: others are the kernel's
 */
int rawcache_attach(const struct rawcache_options *options, struct rawcache **cache,
		    enum rawcache_reason *reason);

/*
 * Add this process's statistics to the totals of the image, and release the cache and all that it holds: handles
 * of files end with it. NULL is allowed. Views must have been released.
 */
void rawcache_detach(struct rawcache *cache);

/*
 * Sum up the statistics of all processes that ever used the image, those that use it now included.
 *
 * @total: gets the sum
 * @size: sizeof(*total), as the program was built
 *
 * Returns 0.
 */
int rawcache_stats_total(struct rawcache *cache, struct rawcache_stats *total, size_t size);

/*
 * List the processes that use the image now. What dead ones counted is added to the totals first.
 *
 * @rows: gets up to `max` rows; may be NULL if `max` is 0
 * @row_size: sizeof(*rows), as the program was built
 *
 * Returns the number of processes, which may be more than `max`.
 */
int rawcache_stats_processes(struct rawcache *cache, struct rawcache_process *rows, size_t row_size,
			     size_t max);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
