/* SPDX-License-Identifier: MIT */
/*
 * What the preload object needs of the engine, and nobody else: it lives inside programs that know nothing
 * of it, and has to announce to the engine what they do with descriptors, mappings, threads and signals.
 *
 * This header is not installed, and librawcache does not export these functions: they may change with
 * each version. The preload object and the command are linked with the engine itself.
 */
#ifndef RAWCACHE_EMBED_H
#define RAWCACHE_EMBED_H

#include <rawcache/zerocopy.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- the process */

/*
 * Around fork(): prepare takes the cache's process-private locks, parent and child let them go;
 * in the child the cache is attached anew at its first need. Attaching registers them with
 * pthread_atfork() unless options.manual_fork is set.
 */
void rawcache_fork_prepare(void);
void rawcache_fork_parent(void);
void rawcache_fork_child(void);

/*
 * Close-on-exec descriptors of the cache itself, for code that closes ranges of descriptors:
 * whether `fd` is one of them.
 */
bool rawcache_owns_fd(int fd);

/*
 * A fault at `address` (SIGSEGV, SIGBUS): if it happened inside a copy of the cache, this
 * does not return but makes that copy fail, and the read answers EFAULT or goes to the
 * origin. If it happened in the cache's own tables (the image's disk fails, somebody truncated
 * it) they are mended and true is returned: return from the handler, the cache switches itself
 * off. Otherwise it returns false at once. For use in a signal handler installed with
 * SA_NODEFER.
 */
bool rawcache_handle_fault(void *address);

/*
 * Count a read or an open that passed the cache, in this thread's statistics. `cache` may be NULL (not
 * attached yet).
 */
void rawcache_count_bypass(struct rawcache *cache, enum rawcache_reason reason);

/*
 * The layout of this engine's segment, as it stands at the beginning of each program and library that is linked with
 * it. Programs with different ones cannot use an image at the same time.
 */
const void *rawcache_layout(size_t *bytes);

/* --- what is cached */

/* The key of the file's state, high and low half, as in struct rawcache_file_state. False: a stale handle. */
bool rawcache_file_key(struct rawcache *cache, uint64_t file, uint64_t key[2]);

/* How many bytes are cached of the file of this key and size. Needs no handle, and asks nothing of the origin. */
uint64_t rawcache_key_cached(struct rawcache *cache, const uint64_t key[2], uint64_t size);

/* --- the tier */

struct rawcache_tier_server {
	char name[64];		 /* as in the list */
	const char *why;	 /* why it cannot be used; NULL: it can */
	uint64_t took_ns;	 /* what the check took */
	uint32_t failed, late;	 /* how often in a row it failed; number of late answers */
	uint32_t differing;	 /* number of data sets that are not shared on this machine */
	uint64_t left_ms;	 /* until it is asked again; 0: it is asked */
	uint64_t leases_left_ms; /* until its leases are waited for again */
	uint32_t answer_us;	 /* mean of what an answer took; 0: there was none */
	int32_t error;		 /* the last one, -errno; 0: there was none */
};

/* Whether the options of the tier are right. 0, or -errno and the end of a sentence. Static storage. */
int rawcache_tier_allowed(const struct rawcache_options *options, const char **why);

/*
 * Put a value into server `n` and get it back. 0; -ENOENT: there are fewer servers; or -errno with
 * server->why: there is no tier.
 */
int rawcache_tier_check(const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server);

/* What this machine knows of server `n`. Errors as above. */
int rawcache_tier_state(struct rawcache *cache, const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server);

struct rawcache_tier_place {
	char data_set[64];
	char server[64];
	uint8_t key[16]; /* of the file's first chunk */
};

/*
 * Which server has a file's first chunk; `stx` as for rawcache_file_open(). 0; -EINVAL and why: there is no
 * tier; -ENOENT and why: the file is not shared.
 */
int rawcache_tier_place(struct rawcache *cache, const struct rawcache_options *options, int fd,
			const char *path, const struct statx *stx,
			struct rawcache_tier_place *place, const char **why);

/* --- what is known of files */

/*
 * The program has seen these attributes of a file: stx_ino, the device, stx_size, stx_mtime and stx_ctime
 * count. If this process has it open with others, all its handles of the file are -ESTALE until they are
 * opened again. `cache` may be NULL. Cheap where nobody has the file open; thread-safe.
 */
void rawcache_file_seen(struct rawcache *cache, const struct statx *stx);

/* Whether this process may have a file of this inode and device open. Cheap; a hint. */
bool rawcache_file_known(const struct rawcache *cache, const struct statx *stx);

/*
 * rawcache_file_open() with attributes that were asked for at `asked_ns`, CLOCK_MONOTONIC. If this process
 * has seen others since, they are read again. 0: they may be of any time.
 */
int rawcache_file_open_asked(struct rawcache *cache, int fd, const char *path,
			     const struct statx *stx, uint64_t asked_ns, uint64_t *file,
			     enum rawcache_reason *reason);

/*
 * Report a reason to look at the attributes of the file again (stx_ino and the device count), such as a granted lock:
 * all handles of this process are -ESTALE until they are opened again. `ask`: the next rawcache_file_open() of it asks
 * the server, past what the kernel remembers. `cache` may be NULL; thread-safe.
 */
void rawcache_file_doubt(struct rawcache *cache, const struct statx *stx, bool ask);

/*
 * Whether the handle was put away, or its file's attributes must be looked at before anything else is done
 * with it: rawcache_file_read() would return -ESTALE. Thread-safe; makes no system call.
 */
bool rawcache_file_doubted(const struct rawcache *cache, uint64_t file);

/*
 * The file with these attributes is open for writing in this process, and may be changed: until as many
 * calls of rawcache_file_writer_end(), no process maps it from the image. Existing mappings become the
 * origin's before rawcache_file_changed() returns, which waits at most a second for stopped processes.
 * Thread-safe; async-signal-safe.
 */
void rawcache_file_writer_begin(struct rawcache *cache, const struct statx *stx);
void rawcache_file_writer_end(struct rawcache *cache, const struct statx *stx);

/*
 * The same for a file that this process has mapped shared and may store into. Stores are not announced, and
 * often do not even change the file's times. A rawcache_file_changed() must follow this call, and another
 * one the end: in between nobody is served from the file.
 */
void rawcache_file_stores_begin(struct rawcache *cache, const struct statx *stx);
void rawcache_file_stores_end(struct rawcache *cache, const struct statx *stx);

/* --- code */

/* Whether the object with this hash of its build id has system calls of its own: 1, 0, or -1: not yet known. */
int rawcache_code_known(const struct rawcache *cache, uint64_t id);
void rawcache_code_note(struct rawcache *cache, uint64_t id, bool calls);

/* --- absent names */

/* A directory as it was looked at. */
struct rawcache_names {
	uint64_t state[2]; /* a hash of the directory, its times, and `who` */
	bool settled; /* a name that is absent now stays absent for as long as it has this state */
};

/*
 * Whether directories on the mount of `fd` are known to get other times with new names, and the kernel does
 * not remember absent names itself: a FUSE server that passes on a directory of such a file system, as its
 * source and the times of both show.
 */
bool rawcache_names_real(int fd);

/* Whether there is a mount in or above `paths`, as of RAWCACHE_PATHS, for which that may be true. */
bool rawcache_names_wanted(const char *paths);

/*
 * What is known of the directory with these attributes: stx_ino, the device, the mount, stx_mtime and
 * stx_ctime count. `who` tells users apart whom a server may answer differently. False: nothing can be
 * remembered. Takes no lock; async-signal-safe, as are all of these.
 */
bool rawcache_names_look(struct rawcache *cache, const struct statx *dir, uint64_t who,
			 struct rawcache_names *names);
bool rawcache_names_same(const struct rawcache_names *a, const struct rawcache_names *b);

enum rawcache_name {
	RAWCACHE_NAME_UNKNOWN,
	RAWCACHE_NAME_ABSENT, /* known to be absent */
	RAWCACHE_NAME_EXISTS, /* it was there: the kernel must be asked */
};

enum rawcache_name rawcache_name_find(struct rawcache *cache, const struct rawcache_names *names,
				      const char *name, size_t n);

/*
 * Remember that the name is absent. The caller looked for it, and the directory, which is settled, had the
 * same attributes before and after.
 */
void rawcache_name_learn(struct rawcache *cache, const struct rawcache_names *names,
			 const char *name, size_t n);

/* Remember that it exists, which need not stay true. */
void rawcache_name_seen(struct rawcache *cache, const struct rawcache_names *names,
			const char *name, size_t n);

/* --- files opened ahead: a program that opens a directory's files in order has the next ones opened by helpers */
#define RAWCACHE_OPEN_FLAGS \
	(O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_LARGEFILE | 0100000) /* and O_CLOEXEC */
extern uint32_t rawcache_opens_waiting; /* files that wait for the program */
struct rawcache_opened {		/* what it has opened for reading: */
	const char *path;		/* canonical */
	uint32_t directory;		/* a hash of its path */
	int flags;
	uint64_t ns; /* CLOCK_MONOTONIC */
};
/* Both change: `rights` when the program gets other rights, `heard` when others have told it something. */
struct rawcache_opener {
	uint32_t rights, heard;
};
/* Call after each open below a configured path. If it returns true, call rawcache_open_follow(), too. */
bool rawcache_open_seen(const struct rawcache_opened *opened);
void rawcache_open_follow(struct rawcache *cache, const struct rawcache_opened *opened,
			  const struct rawcache_opener *opener);
/*
 * The paths that the program opened in its last run, in that order, each with its terminator. They must stay until
 * the next call. NULL: there are none.
 */
void rawcache_opens_as_before(char *names, size_t bytes);
/* Returns the descriptor that the kernel would give now. -1: the kernel must be asked. */
int rawcache_open_ahead(int dir, const char *path, int flags, const struct rawcache_opener *opener);
void rawcache_opens_drop(bool wait); /* close them; `wait`: also those that are being opened */
void rawcache_opens_stop(void);	     /* and open nothing ahead any more */

/* --- frozen trees */

/*
 * An id of the mount with this number (as in STATX_MNT_ID) that is the same after it is mounted anew.
 * False: /proc/self/mountinfo does not tell. Async-signal-safe.
 */
bool rawcache_mount_id(uint64_t mount, uint64_t id[2]);

/* --- transfers */

/*
 * As rawcache_file_transfer(), for bytes that a program has in memory and that should be those of the file.
 * One piece of them is compared with the cache and then sent. *length returns the length of that piece; if
 * the result is less, the system call ended early. -ENODATA: the bytes differ, are not cached, or may not be
 * sent by reference. Never fetches.
 */
ssize_t rawcache_file_transfer_same(struct rawcache *cache, uint64_t file,
				    const struct rawcache_transfer *transfer, const void *bytes,
				    uint64_t offset, size_t *length);

/*
 * The same for bytes in pages that rawcache_file_map() mapped. For pages that were never writable only the first and
 * last 64 bytes are compared, to detect a mapping that replaced them unseen. The caller must report each munmap(),
 * mmap() and mprotect() that it sees, by rawcache_maps_take() and rawcache_maps_protect().
 */
ssize_t rawcache_maps_transfer(struct rawcache *cache, const struct rawcache_transfer *transfer,
			       const void *bytes, size_t *length);

/*
 * A transfer that a signal handler left by siglongjmp(), or in which the thread was cancelled, still holds a
 * region and a file. This releases what such a call of the calling thread holds; so does the thread's next
 * transfer. Must not be called while a call of the thread is running.
 */
void rawcache_thread_recover(void);

/* The size that rawcache_set_mmap_threshold() set, or RAWCACHE_AUTO. */
uint64_t rawcache_mmap_threshold_fixed(const struct rawcache *cache);

/* --- helpers and mappings */

/*
 * Call mlockall(), as lock(flags), for all of the program's memory, but not for the image, which is mapped
 * as a whole. Reads of other threads may go to the origin meanwhile.
 */
int rawcache_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags);

/* The present number of helper threads: each ends when it has had nothing to do for a while. */
unsigned int rawcache_helper_threads(void);

/*
 * Wait until what was read is stored, for at most 2 s: before the process ends without exit(), or executes another
 * program. Async-signal-safe.
 */
void rawcache_settle(void);

/* Ask the thread that follows mappings to exit. For calls that require a process of one thread. */
void rawcache_helpers_dismiss(void);

/* This process is about to have its system calls filtered: its children have no slot, and make no call to get one. */
void rawcache_confine(void);

/* Whether any file is mapped from the image in this process; the answer may be outdated. `cache` may be NULL. */
bool rawcache_maps_shown(const struct rawcache *cache);

/*
 * End all helper threads, as soon as they have done their jobs, and make no new one until rawcache_helpers_return():
 * for system calls that change the rights of the calling thread only, but are meant to change those of the program.
 * False: a thread had not ended after a second. Each call must be followed by one rawcache_helpers_return().
 * Async-signal-safe.
 */
bool rawcache_helpers_leave(void);

/*
 * Call before fork(): threads that read and store end when they have done their jobs, and none is made
 * until rawcache_helpers_return() in the parent; threads that watch mappings stay. Waits 0.2 s at most. The
 * child need not call it.
 */
void rawcache_helpers_step_aside(void);
void rawcache_helpers_return(void);

/* What the dynamic loader has mapped by itself. */
struct rawcache_loaded {
	/* Call map(arg) while nobody unmaps the range. Do not call it if something else lies there now. */
	void (*hold)(const struct rawcache_loaded *loaded, void (*map)(void *arg), void *arg);
	const uint32_t *
		opening; /* number of threads that make memory writable, counted from before they ask below */
};

/*
 * As rawcache_file_map(), for what the dynamic loader has mapped at `address`, private and only to be read; nothing
 * is fetched. Nothing is done unless the kernel says that it is this file, from `offset` on, and that no page of it was
 * written to. It stays the image's, whatever becomes of the file, until rawcache_maps_unloaded(), or
 * another call that tells of its end.
 */
uint64_t rawcache_file_map_loaded(struct rawcache *cache, uint64_t file, int fd, void *address,
				  size_t length, uint64_t offset,
				  const struct rawcache_loaded *loaded);

/* A number for this moment; and: libraries in the range that were mapped before it are not mapped any more. */
uint64_t rawcache_maps_now(struct rawcache *cache);
void rawcache_maps_unloaded(struct rawcache *cache, const void *address, size_t length,
			    uint64_t before);

/* Ask the kernel which libraries are still there, for callers that cannot know. */
void rawcache_maps_ask(struct rawcache *cache);

/* Whether the range may contain pages of the image: two comparisons. */
bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length);

/*
 * Must enclose a call that unmaps or replaces a range. Before the call, rawcache_maps_take() takes the notes of the
 * image's pages in it. Afterwards rawcache_maps_drop() drops their holds; or rawcache_maps_put() puts them back,
 * moved by `by` bytes. `taken` may be NULL.
 */
void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length);
void rawcache_maps_drop(struct rawcache *cache, void *taken);
void rawcache_maps_put(struct rawcache *cache, void *taken, ptrdiff_t by);

/* How many bytes of ours from `end` on the caller must unmap by the same call, which is cheaper than another. */
size_t rawcache_maps_behind(void *taken, const void *end);

/* The edge of a piece in the taken pages that comes next behind `address`; NULL: there is none. */
const void *rawcache_maps_edge(const void *taken, const void *address);

/*
 * Call before mprotect(2) of the range to `prot`: pages that become writable are not known any more.
 * -EACCES: a shared mapping of a file that is open for reading must not become writable.
 */
int rawcache_maps_protect(struct rawcache *cache, const void *address, size_t length, int prot);

/*
 * Call before mseal(2) of the range, or before it gets guard pages: the origin's pages could not replace the
 * image's later. They replace them now, except where the program may have written.
 */
void rawcache_maps_restore(struct rawcache *cache, const void *address, size_t length);

/*
 * A SIGBUS at `address`: if it is a page of the image in such a mapping (its disk fails, somebody
 * truncated it), the origin's page takes its place and true is returned: return from the handler,
 * the cache switches itself off. Not for SIGSEGV, which is the program's own. Async-signal-safe.
 */
bool rawcache_maps_fault(void *address);

/* A mapping of a file. */
struct rawcache_mapped {
	uint64_t device, inode; /* major << 32 | minor, as in struct statx */
	uint64_t offset;
	int prot;	    /* protection of all of it, as far as is known */
	int type;	    /* MAP_SHARED or MAP_PRIVATE, as the program wanted it */
	const void *origin; /* address where a page of the file itself is mapped; NULL: not known */
};

/*
 * Whether pages of the image lie in the range: 1, with the file's page at its beginning, or 0. -EFAULT:
 * they cannot all belong to one mapping.
 */
int rawcache_maps_find(struct rawcache *cache, const void *address, size_t length,
		       struct rawcache_mapped *mapped);

#ifdef __cplusplus
}
#endif
#endif
