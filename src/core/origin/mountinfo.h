/* SPDX-License-Identifier: MIT */
/* Mounts as /proc/self/mountinfo describes them, and what is known of kinds of file systems. */
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
 * Made as a whole, before mounting: the maker wrote inode numbers and times, ctime as well, and two
 * versions of one may have all of them in common.
 */
#define KIND_PACKED 2u
/*
 * Its contents may come from such a file system below it, which no other mount shows; or other machines may
 * change the medium.
 */
#define KIND_MOUNT 4u
#define KIND_TIMES 8u /* a program may have set ctime */
#define KIND_FUSE 16u
#define KIND_REMOTE 32u /* the client remembers attributes: AT_STATX_FORCE_SYNC asks the server */
#define KIND_OPENED 64u /* only if the file was opened just before; implies KIND_REMOTE */
#define KIND_AGED 128u	/* not even then, for minutes */
#define KIND_EXT 256u	/* f_fsid is the UUID */
#define KIND_SUBVOLUMES 512u /* snapshots repeat inode numbers and times */
/* The times of a directory change with its names. */
#define KIND_NAMES 1024u
/* a FUSE server of files that change, however it is mounted: a clock sets ctime */
#define KIND_LIVE 2048u
/* a FUSE server that passes on the times of what is below it; `source` may tell what that is */
#define KIND_PASSES 4096u

/* What a line of mountinfo tells. */
struct mounted {
	XXH3_state_t state; /* state of the hash that becomes the origin's id */
	char device[24];    /* "major:minor" */
	uint32_t kind;
	bool block;				  /* `device` is, or may be, a block device */
	bool writable;				  /* the file system as a whole is writable */
	const char *root, *point, *type, *source; /* they point into the buffer */
};

/* Add a text and its terminator to the hash. */
void mounted_add(struct mounted *mounted, const char *text);

/* Take what a line tells; the texts stay where they are. */
struct mount_line;
void mounted_set(struct mounted *mounted, const struct mount_line *mount);

/*
 * Read the line of `mount`, an id as in STATX_MNT_ID, in the process's own table. `buf` must have
 * MOUNTINFO_BUFFER bytes. False: the table does not have the mount, or there is no table.
 */
#define MOUNTINFO_BUFFER 65536u
bool mountinfo_find(char *buf, uint64_t mount, struct mounted *mounted);

/*
 * The same of a mount whose id, as in STATX_MNT_ID_UNIQUE, is known. False: the kernel cannot be asked, or the
 * table tells more.
 */
bool mountinfo_ask(char *buf, uint64_t unique, struct mounted *mounted);

/* Call `look` for each line, until it returns true; returns whether it did. */
bool mountinfo_each(char *buf,
		    bool (*look)(void *arg, const struct mount_line *mount, uint32_t kind),
		    void *arg);

/* What is known of the file system of `fd` without a table: KIND_ bits. */
uint32_t kind_by_magic(int fd);

#endif
