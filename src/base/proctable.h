/* SPDX-License-Identifier: MIT */
/* Lines of /proc/self/maps and /proc/self/mountinfo: proc(5). */
#ifndef BASE_PROCTABLE_H
#define BASE_PROCTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a page's word in /proc/PID/pagemap: proc(5). */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_SWAPPED (UINT64_C(1) << 62)
#define PAGEMAP_FILE (UINT64_C(1) << 61)

/* One line of /proc/self/maps. */
struct vma {
	uintptr_t start, end;
	char protection[5]; /* "r-xp" */
	uint64_t offset;
	uint64_t device; /* major << 32 | minor */
	uint64_t inode;
};

/* Parse a line. False: it is not one. The path is not needed. */
bool vma_parse(const char *line, struct vma *vma);

/* Find the mapping of the process in which the address lies. */
bool vma_find(uintptr_t at, struct vma *vma);

/*
 * Whether a path of `n` bytes, as the kernel shows it in /proc, ends with the mark of a file that was removed or
 * replaced.
 */
bool path_is_removed(const char *path, size_t n);

/*
 * One line of /proc/self/mountinfo. The fields lie in the line; characters that would break it stand there
 * as "\040" and the like.
 */
struct mount_line {
	uint64_t id;	    /* as in STATX_MNT_ID */
	const char *device; /* "major:minor" */
	const char *root;
	char *point;
	const char *point_options; /* of the mount */
	const char *type, *source;
	const char *options; /* of the whole file system; NULL: none */
};

/* Parse a line; the fields are terminated in it. False: some are missing. */
bool mount_line_parse(char *line, struct mount_line *mount);

/*
 * Find the line of the mount with this id in the process's own table. `buf` has `size` bytes, in which the fields lie
 * then.
 */
bool mount_line_find(uint64_t id, char *buf, size_t size, struct mount_line *mount);

/* Put the characters back for which "\040" and the like stand. */
void mount_field_unescape(char *field);

#endif
