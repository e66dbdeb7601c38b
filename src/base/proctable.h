/* SPDX-License-Identifier: MIT */
/* Lines of /proc/self/maps and /proc/self/mountinfo: proc(5). */
#ifndef BASE_PROCTABLE_H
#define BASE_PROCTABLE_H

#include <stdbool.h>
#include <stdint.h>

/* A mapping of the process, as the kernel tells of it. */
struct vma {
	uintptr_t start, end;
	uint64_t device; /* major << 32 | minor */
	uint64_t inode;
};

/* False: the line is none. Nothing of its path is needed. */
bool vma_parse(const char *line, struct vma *vma);

/* A mount, as the kernel tells of it: fields in the line, with \040 and its like for what would break it. */
struct mount_line {
	uint64_t id;	    /* as in STATX_MNT_ID */
	const char *device; /* "major:minor" */
	const char *root;
	char *point;
	const char *point_options; /* of the mount */
	const char *type, *source;
	const char *options; /* of the whole file system; NULL: none */
};

/* Ends the fields in the line. False: it has not all of them. */
bool mount_line_parse(char *line, struct mount_line *mount);

/* Puts the characters back that "\040" and its like stand for. */
void mount_field_unescape(char *field);

#endif
