/* SPDX-License-Identifier: MIT */
/*
 * Images: making, describing, checking and emptying them. For the command and for programs
 * that manage caches; reading files needs only file.h.
 */
#ifndef RAWCACHE_IMAGE_H
#define RAWCACHE_IMAGE_H

#include <rawcache/rawcache.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * The ways to detach the pages of a region before it is written anew, so that references to them, in a socket for
 * example, keep the old bytes.
 */
enum rawcache_detach {
	RAWCACHE_DETACH_NONE, /* its file system or device cannot: pages are never sent by reference */
	RAWCACHE_DETACH_ZERO_RANGE, /* fallocate(2) with FALLOC_FL_ZERO_RANGE */
	RAWCACHE_DETACH_PUNCH_HOLE  /* with FALLOC_FL_PUNCH_HOLE */
};

struct rawcache_format_options {
	size_t struct_size;   /* set by rawcache_format_options_init() */
	uint64_t size;	      /* bytes; 0: the whole block device, or what the file has */
	uint32_t region_size; /* bytes, a power of two; 0: 32 MiB, less for small images */
	uint32_t chunk_size;  /* bytes, a power of two, 64K..256K; 0: 256K */
	uint32_t object_size; /* average bytes of an object, sizes the index; 0: 16K */
	bool force;	      /* overwrite something that is not an image of ours */
	bool shared;	      /* others may write it: see rawcache_image_format() */
	/* where the segment of an image that is replaced lies; NULL: /dev/shm */
	const char *runtime_dir;
	/* called while zeros are written, with bytes; returning false stops (-ECANCELED); NULL: not */
	bool (*progress)(void *arg, uint64_t done, uint64_t total);
	void *progress_arg;
};

/*
 * Fill *options with the defaults. As rawcache_options_init(), for programs built with a shorter or longer struct.
 *
 * @size: sizeof(*options)
 */
void rawcache_format_options_init(struct rawcache_format_options *options, size_t size);

/* Bytes: 2 MiB for the metadata, and the 16 regions that an image must have, of 512 KiB at least. */
#define RAWCACHE_MIN_IMAGE_SIZE (10u << 20)

/* What the superblock of an image says of it. Sizes and offsets are in bytes. */
struct rawcache_image_info {
	char uuid[37];
	char runtime[64]; /* name of the runtime segment */
	uint32_t version;
	uint64_t size, data_offset, index_offset;
	uint32_t region_size, region_count, chunk_size;
	uint64_t index_entries;
	uint64_t created; /* seconds since the epoch */
	uint64_t epoch;	  /* boots that used the image */
	enum rawcache_detach detach;
	bool direct;   /* O_DIRECT works */
	bool sendfile; /* pages can be sent without copying */
	bool block_device;
	/* counted when asked for, from the index: */
	uint64_t used_entries, used_bytes;
};

/*
 * Make an image: a new file (0600, preallocated, zero-written where the file system cannot promise space),
 * an existing file, or a block device. What is there already is overwritten only if it is an image that
 * nobody uses, or blank (begins and ends with a MiB of zeros), or with options->force; a block device that is
 * mounted never is.
 *
 * @path: the file or device; a symbolic link in the place of a new file is not followed
 * @options: filled by rawcache_format_options_init()
 * @message, message_size: gets one sentence for the user on failure; may be NULL
 *
 * Returns 0.
 * Errors:
 * -EINVAL: options that were not filled, or a file or device that is too small
 * -E2BIG: an option is set that this version does not know
 * -ERANGE: an option has a value that it cannot have
 * -EBUSY: the image is in use, or the block device is mounted
 * -ECANCELED: options->progress returned false
 * -E...: others are the kernel's
 *
 * With options->shared a new file gets the mode 0666 less the umask, and the file's sticky bit
 * is set: as long as it belongs to root or to the user who attaches, that is enough for an
 * image that others may write, else options.allow_shared is needed. Whoever may write an image
 * can change what its readers read.
 */
int rawcache_image_format(const char *path, const struct rawcache_format_options *options,
			  char *message, size_t message_size);

/*
 * Describe an image without attaching to it. The used_ fields are 0.
 *
 * @info: gets the description
 * @size: sizeof(*info), as the program was built
 * @message, message_size: as in rawcache_image_format()
 *
 * Returns 0.
 * Errors:
 * -EINVAL: neither a regular file nor a block device, or a damaged image
 * -EMEDIUMTYPE: the file or device never was an image
 * -EPROTONOSUPPORT: a newer version made it
 * -E...: others are the kernel's
 */
int rawcache_image_info(const char *path, struct rawcache_image_info *info, size_t size,
			char *message, size_t message_size);

/*
 * As rawcache_image_info(), for an attached cache, with the used_ fields counted: this walks the index.
 *
 * @info: gets the description
 * @size: sizeof(*info), as the program was built
 *
 * Returns 0.
 */
int rawcache_info(struct rawcache *cache, struct rawcache_image_info *info, size_t size);

enum rawcache_region_state {
	RAWCACHE_REGION_FREE,	   /* empty */
	RAWCACHE_REGION_ACTIVE,	   /* being written */
	RAWCACHE_REGION_SEALED,	   /* full */
	RAWCACHE_REGION_RECYCLING, /* being emptied */
	RAWCACHE_REGION_BAD,	   /* its storage failed */
};

/* A part of the image that is written in one go and recycled in one go. */
struct rawcache_region {
	uint64_t size, used; /* bytes; of these, stored and not moved away since */
	uint64_t opened;     /* seconds since the epoch when writing to it began; 0: never */
	uint8_t state;	     /* enum rawcache_region_state */
	uint8_t reread;	     /* 1: of the log of what was read again; 0: of what was stored once */
	uint8_t held;	     /* 1: a mapping, a view or a transfer keeps it from being recycled */
	uint8_t reserved[5];
};

/*
 * List the regions in the order in which they lie. Programs may use the cache meanwhile.
 *
 * @rows: gets up to `max` rows; may be NULL if `max` is 0
 * @row_size: sizeof(*rows), as the program was built
 *
 * Returns the number of regions, which may be more than `max`.
 */
int rawcache_regions(struct rawcache *cache, struct rawcache_region *rows, size_t row_size,
		     size_t max);

/*
 * Returns whether this process may only read the image, because of the rights of its file or device, or by
 * options.read_only: then nothing is stored, dropped or counted.
 */
bool rawcache_read_only(struct rawcache *cache);

/*
 * Forget everything that is cached. Programs may use the cache meanwhile; their next reads miss.
 *
 * Returns 0.
 * Errors:
 * -EROFS: the image is open for reading only
 * -ETIMEDOUT: a process that was stopped in the middle of a change keeps others from it; nothing was forgotten
 */
int rawcache_drop_all(struct rawcache *cache);

/* What rawcache_verify() has found: numbers of extents, and bytes. */
struct rawcache_verify_result {
	uint64_t extents, bytes; /* looked at */
	uint64_t bad;		 /* wrong checksum: dropped */
	uint64_t stale;		 /* entries of recycled regions: harmless, not looked at */
	uint64_t broken;	 /* entries that point outside the image: dropped */
};

/*
 * Read every extent and compare it with its checksum; damaged ones are dropped. Programs may use the cache
 * meanwhile.
 *
 * @result: gets what was found
 * @progress: called after each extent with a position in the index and the index's length, both in entries;
 * returning false stops; may be NULL
 * @arg: for `progress`
 *
 * Returns 0, also when it was stopped.
 */
int rawcache_verify(struct rawcache *cache, struct rawcache_verify_result *result,
		    bool (*progress)(void *arg, uint64_t done, uint64_t total), void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
