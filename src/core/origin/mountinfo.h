/* SPDX-License-Identifier: MIT */
/* Mounts as /proc/self/mountinfo tells of them, and what is known of kinds of file systems. */
#ifndef CORE_MOUNTINFO_H
#define CORE_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What is known of a kind of file systems. */
#define KIND_SPECIAL 1u /* the kernel makes up the contents */
/*
 * Made as a whole, ahead of mounting: inode numbers and times, ctime as well, are what the maker
 * wrote, and two versions of one may have all of them in common.
 */
#define KIND_PACKED 2u
/*
 * What a file has may come from such a one below it, of which no other mount need tell; or the
 * medium may be changed by other machines.
 */
#define KIND_MOUNT 4u
#define KIND_TIMES 8u /* ctime may be what a program has set */
#define KIND_FUSE 16u
#define KIND_REMOTE 32u	     /* attributes are remembered: AT_STATX_FORCE_SYNC asks the server */
#define KIND_OPENED 64u	     /* only if the file was opened anew just before; implies KIND_REMOTE */
#define KIND_AGED 128u	     /* not even then, for minutes */
#define KIND_EXT 256u	     /* f_fsid is the UUID */
#define KIND_SUBVOLUMES 512u /* snapshots repeat inode numbers and times */
/*
 * A directory's times are those of its names, and the kernel does not remember itself which names are not there: FUSE
 * servers that were seen to pass the times of a local directory through.
 */
#define KIND_NAMES 1024u
/* a FUSE server of files that change, however it is mounted: ctime is told by a clock */
#define KIND_LIVE 2048u

/* What a line of mountinfo tells. */
struct mounted {
	XXH3_state_t state; /* of what will be the origin's id */
	char device[24];    /* "major:minor" */
	uint32_t kind;
	bool block;				  /* `device` is a block device, or may be one */
	bool writable;				  /* the whole file system is */
	const char *root, *point, *type, *source; /* in the buffer */
};

/* Add a text and its end. */
void mounted_add(struct mounted *mounted, const char *text);

/*
 * The line of `mount`, an id as in STATX_MNT_ID, in the process's own table. `buf` has
 * MOUNTINFO_BUFFER bytes. False: the mount is not in it, or there is no table.
 */
#define MOUNTINFO_BUFFER 65536u
bool mountinfo_find(char *buf, uint64_t mount, struct mounted *mounted);

/* What is known of the file system that `fd` lies on, where no table tells: KIND_ bits. */
uint32_t kind_by_magic(int fd);

#endif
