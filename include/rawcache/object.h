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
 * Errors of all functions that take a key:
 * -EINVAL: a key of no bytes, or of more than RAWCACHE_KEY_MAX
 */
#ifndef RAWCACHE_OBJECT_H
#define RAWCACHE_OBJECT_H

#include <sys/types.h>

#include <rawcache/rawcache.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* the longest key, in bytes */
#define RAWCACHE_KEY_MAX 65536u

/*
 * Store an object. When the function returns, all processes find it, and none finds what the key had before.
 *
 * @key, key_length: the key
 * @data, length: the object, up to rawcache_value_max() bytes; it is copied
 * @ttl: seconds until it ends; 0: never of itself. options.ttl counts, too
 *
 * Returns 0.
 * Errors:
 * -E2BIG: more than rawcache_value_max() bytes
 * -EAGAIN: no region can be recycled now, because views hold too many of them, or the index is busy
 * -EROFS: the image is open for reading only
 */
int rawcache_store(struct rawcache *cache, const void *key, size_t key_length, const void *data,
		   size_t length, uint32_t ttl);

/* Returns the size of the largest object that can be stored, in bytes: a region's size less 16. */
size_t rawcache_value_max(const struct rawcache *cache);

/*
 * Copy an object. Its bytes are read from the image and compared with their checksum, each time.
 *
 * @buf, size: where the object goes; with `size` 0 only its length is returned, and `buf` may be NULL
 *
 * Returns the object's length in bytes.
 * Errors:
 * -ENOENT: nothing is cached under the key
 * -ERANGE: the object is longer than `size`
 * -EFAULT: `buf` is not writable
 */
ssize_t rawcache_lookup(struct rawcache *cache, const void *key, size_t key_length, void *buf,
			size_t size);

/*
 * A borrowed view: the object where it lies, in the read-only mapping of the image, without a
 * copy. The bytes stay what they are until the view is released, also when the object is replaced or removed
 * meanwhile.
 */
struct rawcache_view {
	const void *data; /* on a page boundary */
	size_t length;	  /* bytes */
	uint64_t hold;	  /* the library's */
};

/*
 * Find an object, and hold its region until rawcache_view_release(). A held region is not recycled: keep
 * views for as long as they are used, and no longer. They end with the process, and a child of fork() does
 * not inherit them. The checksum is compared at the first use of the object after a boot (options.verify),
 * not each time.
 *
 * @view: gets the view; empty after an error
 *
 * Returns 0.
 * Errors:
 * -ENOENT: nothing is cached under the key
 * -EAGAIN: this process holds a quarter of the regions, or all processes hold half; rawcache_lookup() works
 * -EOPNOTSUPP: the image is not mapped (see rawcache_zero_copy_available()); rawcache_lookup() works
 * -EROFS: this process has no slot; rawcache_lookup() works
 * Signals: if the image's storage fails while the bytes are read for the first time, the reader gets SIGBUS,
 * as with any mapped file.
 */
int rawcache_lookup_zero_copy(struct rawcache *cache, const void *key, size_t key_length,
			      struct rawcache_view *view);

/* Release a view, which is empty afterwards. Nothing is done with an empty one, or with one of the parent of fork(). */
void rawcache_view_release(struct rawcache *cache, struct rawcache_view *view);

/*
 * Send bytes of an object: inside the kernel where rawcache_zero_copy_available() says so, else by a copy.
 * What is on its way stays right also if the object is dropped meanwhile.
 *
 * @socket: a stream socket, or any descriptor to which sendfile(2) writes
 * @offset, length: the range of the object, in bytes
 *
 * Returns the count, which may be short as with sendfile(2); 0 at the end of the object.
 * Errors:
 * -ENOENT: nothing is cached under the key
 * -E...: those of rawcache_lookup_zero_copy(), and of the socket: -EAGAIN, -EPIPE (with SIGPIPE)
 */
ssize_t rawcache_sendfile_to_socket(struct rawcache *cache, const void *key, size_t key_length,
				    int socket, uint64_t offset, size_t length);

/* What works with this image in this process: bits. */
enum rawcache_zero_copy {
	RAWCACHE_ZERO_COPY_VIEW = 1,	/* rawcache_lookup_zero_copy() */
	RAWCACHE_ZERO_COPY_SENDFILE = 2 /* rawcache_sendfile_to_socket() without a copy */
};

/* Returns bits of enum rawcache_zero_copy. */
unsigned int rawcache_zero_copy_available(const struct rawcache *cache);

/*
 * Forget an object. Its space is used again when its region is recycled.
 *
 * Returns 0.
 * Errors:
 * -ENOENT: nothing is cached under the key
 * -EAGAIN: a process that was stopped in the middle of a change keeps others from it; the object is still there
 * -EROFS: the image is open for reading only
 */
int rawcache_remove(struct rawcache *cache, const void *key, size_t key_length);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
