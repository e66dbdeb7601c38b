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

/* Count a pass-through in this thread's statistics. `cache` may be NULL (not attached yet). */
void rawcache_count_bypass(struct rawcache *cache, enum rawcache_reason reason);

/*
 * The layout of this engine's segment, as it stands at the beginning of each program and library that is linked with
 * it. Programs with different ones cannot use an image at the same time.
 */
const void *rawcache_layout(size_t *bytes);

/* --- the tier */

struct rawcache_tier_server {
	char name[64];		 /* as in the list */
	const char *why;	 /* NULL: all is well */
	uint64_t took_ns;	 /* the check */
	uint32_t failed;	 /* times in a row */
	uint32_t differing;	 /* data sets that are not shared on this machine */
	uint64_t left_ms;	 /* until it is asked again; 0: it is asked */
	uint64_t leases_left_ms; /* until its leases are waited for again */
	uint32_t answer_us;	 /* mean of what an answer took; 0: there was none */
	int32_t error;		 /* the last one, -errno; 0: there was none */
};

/* Whether the options of the tier are right. 0, or -errno and the end of a sentence. Static storage. */
int rawcache_tier_allowed(const struct rawcache_options *options, const char **why);

/* Put a value into server `n` and get it back. 0; -ENOENT: there are fewer; -errno and server->why: no tier. */
int rawcache_tier_check(const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server);

/* What this machine thinks of server `n`. As above. */
int rawcache_tier_state(struct rawcache *cache, const struct rawcache_options *options, uint32_t n,
			struct rawcache_tier_server *server);

struct rawcache_tier_place {
	char data_set[64];
	char server[64];
	uint8_t key[16]; /* of the file's first chunk */
};

/*
 * Where the tier has a file's first chunk: `stx` as for rawcache_file_open(). 0; -EINVAL and why: no tier; -ENOENT and
 * why: the file is not shared.
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

/* Whether it may have a file of this inode and device open. Cheap, and no more than a hint. */
bool rawcache_file_known(const struct rawcache *cache, const struct statx *stx);

/*
 * rawcache_file_open() with attributes that were asked for at `asked_ns`, CLOCK_MONOTONIC: where this process has seen
 * others since, they are read again. 0: at any time.
 */
int rawcache_file_open_asked(struct rawcache *cache, int fd, const char *path,
			     const struct statx *stx, uint64_t asked_ns, uint64_t *file,
			     enum rawcache_reason *reason);

/*
 * A reason to look at the attributes of the file again (stx_ino and the device count), as a lock that was
 * granted is one: all handles of this process are -ESTALE until they are opened again. `ask`: the next
 * rawcache_file_open() of it asks the server, past what the kernel remembers. `cache` may be NULL;
 * thread-safe.
 */
void rawcache_file_doubt(struct rawcache *cache, const struct statx *stx, bool ask);

/*
 * Whether the handle is one of the past, or its file's attributes must be looked at before anything else is done
 * with it: rawcache_file_read() would say -ESTALE. Thread-safe; a glance.
 */
bool rawcache_file_doubted(const struct rawcache *cache, uint64_t file);

/*
 * The file with these attributes is open for writing in this process, and may be changed: until as many
 * rawcache_file_writer_end() no mapping of it is made of the image, in any process. Those that there
 * are become the origin's before rawcache_file_changed() returns; it waits at most a second for
 * processes that are stopped. Thread-safe; async-signal-safe.
 */
void rawcache_file_writer_begin(struct rawcache *cache, const struct statx *stx);
void rawcache_file_writer_end(struct rawcache *cache, const struct statx *stx);

/*
 * The same for a file that this process has mapped shared and may store into: nobody hears of stores, and of many
 * not even the file's times tell. From the rawcache_file_changed() that must follow on until the end, and another
 * one, nobody is served of it.
 */
void rawcache_file_stores_begin(struct rawcache *cache, const struct statx *stx);
void rawcache_file_stores_end(struct rawcache *cache, const struct statx *stx);

/* --- code */

/*
 * Whether the program or library with this hash of its build id has system call instructions of its own: 1, 0, or
 * -1: nobody has found out in this boot.
 */
int rawcache_code_known(const struct rawcache *cache, uint64_t id);
void rawcache_code_note(struct rawcache *cache, uint64_t id, bool calls);

/* --- names that are not there */

/* A directory as it was looked at. */
struct rawcache_names {
	uint64_t state[2]; /* which one it is, with its times, and for whom */
	bool settled;	   /* what is not in it now is not in it for as long as it has this state */
};

/* Whether the times of directories on the mount that `fd` lies on are known to tell of new names. */
bool rawcache_names_real(int fd);

/*
 * What is known of the directory with these attributes: stx_ino, the device, the mount, stx_mtime and stx_ctime
 * count. `who` tells apart those whom a server may answer differently. False: nothing can be
 * remembered. Takes no lock; async-signal-safe, as are all of these.
 */
bool rawcache_names_look(struct rawcache *cache, const struct statx *dir, uint64_t who,
			 struct rawcache_names *names);
bool rawcache_names_same(const struct rawcache_names *a, const struct rawcache_names *b);

/* Whether the name is known not to be in the directory. */
bool rawcache_name_absent(struct rawcache *cache, const struct rawcache_names *names,
			  const char *name, size_t n);

/* It was looked for and is not, and the directory, which is settled, looked the same before and after. */
void rawcache_name_learn(struct rawcache *cache, const struct rawcache_names *names,
			 const char *name, size_t n);

/* --- frozen trees */

/*
 * What the mount is, of a number as in STATX_MNT_ID: the same after it was mounted anew. False: /proc/self/mountinfo
 * does not tell. Async-signal-safe.
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

/* rawcache_mmap_threshold() as it was set, or RAWCACHE_AUTO. */
uint64_t rawcache_mmap_threshold_fixed(const struct rawcache *cache);

/* --- helpers and mappings */

/*
 * mlockall(), called as lock(flags): all of the program's memory, but not the whole image, which is
 * mapped. Reads of other threads may go to the origin meanwhile.
 */
int rawcache_lock_all(struct rawcache *cache, int (*lock)(int flags), int flags);

/* How many helper threads the cache has now: each ends when it has had nothing to do for a while. */
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

/* Whether any file is mapped from the image in this process; may be outdated on return. `cache` may be NULL. */
bool rawcache_maps_shown(const struct rawcache *cache);

/*
 * End all helper threads, as soon as they have done their jobs, and make no new one until rawcache_helpers_return():
 * for system calls that change the rights of the calling thread only, but are meant to change those of the program.
 * False: a thread had not ended after a second. Each call must be followed by one rawcache_helpers_return().
 * Async-signal-safe.
 */
bool rawcache_helpers_leave(void);

/*
 * Before fork(): those that read and store end when they have done what they were asked for, and none is made until
 * rawcache_helpers_return() in the parent; those that watch mappings stay. Waits 0.2 s at most. The child owes nothing.
 */
void rawcache_helpers_step_aside(void);
void rawcache_helpers_return(void);

/* Whether the range may have such pages: two comparisons. */
bool rawcache_maps_touch(const struct rawcache *cache, const void *address, size_t length);

/*
 * Around what unmaps or replaces a range: take the notes of pages in it before, and drop the
 * holds after, or put the notes back if nothing was unmapped; `by` is how many bytes farther the
 * range lies now, if it was moved. The pointer is the library's, and may be NULL.
 */
void *rawcache_maps_take(struct rawcache *cache, const void *address, size_t length);
void rawcache_maps_drop(struct rawcache *cache, void *taken);
void rawcache_maps_put(struct rawcache *cache, void *taken, ptrdiff_t by);

/* Where in the taken pages the next piece begins or ends, behind `address`; NULL: nowhere. */
const void *rawcache_maps_edge(const void *taken, const void *address);

/*
 * Before mprotect(2) of the range to `prot`: what becomes writable is not known any more. -EACCES:
 * a shared mapping of a file that is open for reading does not become writable.
 */
int rawcache_maps_protect(struct rawcache *cache, const void *address, size_t length, int prot);

/*
 * A SIGBUS at `address`: if it is a page of the image in such a mapping (its disk fails, somebody
 * truncated it), the origin's page takes its place and true is returned: return from the handler,
 * the cache switches itself off. Not for SIGSEGV, which is the program's own. Async-signal-safe.
 */
bool rawcache_maps_fault(void *address);

/* A file as it is mapped. */
struct rawcache_mapped {
	uint64_t device, inode; /* major << 32 | minor, as in struct statx */
	uint64_t offset;
	int prot;	    /* of all of it, as far as is known */
	int type;	    /* MAP_SHARED or MAP_PRIVATE, as the program wanted it */
	const void *origin; /* where a page of the file itself is mapped; NULL: not known */
};

/*
 * Whether pages of the image lie in the range, and what the file's page at its beginning is: 1, or 0.
 * -EFAULT: they cannot all belong to one mapping.
 */
int rawcache_maps_find(struct rawcache *cache, const void *address, size_t length,
		       struct rawcache_mapped *mapped);

#ifdef __cplusplus
}
#endif
#endif
