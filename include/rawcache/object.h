/* SPDX-License-Identifier: MIT */
/*
 * Objects by key: the engine as a library, without origin files.
 *
 *	rawcache_store(cache, "model/7", 7, bytes, n, 3600);
 *	...
 *	struct rawcache_view view;
 *	if (!rawcache_lookup_zero_copy(cache, "model/7", 7, &view)) {
 *		use(view.data, view.length);
 *		rawcache_view_release(cache, &view);
 *	}
 *
 * A key is any bytes, 1 to RAWCACHE_KEY_MAX of them; of two processes that store the same key the
 * last one wins. It is a cache: an object may be gone at any time, and -ENOENT is an answer to be
 * ready for. All processes that are attached to the image share the objects; they never collide
 * with the chunks of files. Objects outlive processes and reboots.
 *
 * Like everywhere, functions return a count or 0, or a negative errno value, and may be called
 * from any thread. Errors that all of them know: -EINVAL a key of no or too many bytes; -EIO
 * the image's storage failed.
 */
#ifndef RAWCACHE_OBJECT_H
#define RAWCACHE_OBJECT_H

#include <sys/types.h>

#include <rawcache/rawcache.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define RAWCACHE_KEY_MAX 65536u

/*
 * Store `length` bytes under the key. `ttl` is in seconds; 0: no end of its own (options.ttl
 * holds all the same). The bytes are copied; when the function returns they can be looked up, and
 * an object of that key from before cannot any more.
 * Errors: -E2BIG more than rawcache_value_max(); -EAGAIN no region can be recycled now, because
 * views hold too many; -EROFS the image is open for reading only.
 */
int rawcache_store(struct rawcache *cache, const void *key, size_t key_length, const void *data,
		   size_t length, uint32_t ttl);

/* The largest value that can be stored, in bytes: a region's size less 16. */
size_t rawcache_value_max(const struct rawcache *cache);

/*
 * Copy the object into `buf`, which has room for `size` bytes, and return its length. The bytes
 * are read from the image and their checksum is compared, each time. With `size` 0 only the
 * length is told.
 * Errors: -ENOENT nothing is cached under the key; -ERANGE the object is longer than `size`;
 * -EFAULT `buf` is not writable.
 */
ssize_t rawcache_lookup(struct rawcache *cache, const void *key, size_t key_length, void *buf,
			size_t size);

/*
 * A borrowed view: the object where it lies, in the read-only mapping of the image, without a
 * copy. `data` begins on a page. The bytes stay what they are until the view is released, also
 * when the object is replaced or removed meanwhile.
 */
struct rawcache_view {
	const void *data;
	size_t length;
	uint64_t hold; /* the library's */
};

/*
 * Fill *view and hold the object's region until rawcache_view_release(). The checksum is
 * compared at the first use of the object after a boot (options.verify), not each time. A held
 * region is not recycled: keep views for as long as they are used, and no longer. Views end with
 * the process, and are not inherited by fork().
 * If the image's storage fails while the bytes are read for the first time, the reader gets
 * SIGBUS, as with any mapped file.
 * Errors: -ENOENT as above; -EAGAIN this process holds a quarter of the regions already, or all
 * processes together hold half;
 * -EOPNOTSUPP the image is not mapped (see rawcache_zero_copy_available()); -EROFS this process
 * has no slot. For the last three rawcache_lookup() works.
 */
int rawcache_lookup_zero_copy(struct rawcache *cache, const void *key, size_t key_length,
			      struct rawcache_view *view);

/* *view is empty afterwards; releasing an empty one does nothing. */
void rawcache_view_release(struct rawcache *cache, struct rawcache_view *view);

/*
 * Send up to `length` bytes of the object, from `offset` on, to a stream socket (or any
 * descriptor that sendfile(2) writes to), inside the kernel where rawcache_zero_copy_available()
 * says so, else by a copy. Returns the count, which may be short as with sendfile(2); 0 at the
 * end of the object. What is on its way stays right even when the object is dropped meanwhile.
 * Errors: -ENOENT as above; -EAGAIN, -EPIPE (with SIGPIPE) and others as the socket gives them.
 */
ssize_t rawcache_sendfile_to_socket(struct rawcache *cache, const void *key, size_t key_length,
				    int socket, uint64_t offset, size_t length);

/* What works with this image in this process: a combination of these bits. */
enum rawcache_zero_copy {
	RAWCACHE_ZERO_COPY_VIEW = 1,	/* rawcache_lookup_zero_copy() */
	RAWCACHE_ZERO_COPY_SENDFILE = 2 /* rawcache_sendfile_to_socket() without a copy */
};
unsigned int rawcache_zero_copy_available(const struct rawcache *cache);

/*
 * Forget the object. Its space is used again when its region is recycled. -ENOENT: no such; -EAGAIN: a
 * process that was stopped in the middle of a change keeps others from it, and the object is still there.
 */
int rawcache_remove(struct rawcache *cache, const void *key, size_t key_length);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
