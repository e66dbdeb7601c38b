/* SPDX-License-Identifier: MIT */
/*
 * Identifies the file system of a file in terms that survive a reboot and a new mount: type, source, root
 * and mount point from /proc/self/mountinfo. Device numbers do not survive, and two containers may mount
 * different file systems at one path. For file systems that are made as a whole (squashfs, ...) this is not
 * enough: see "What makes a file the same file" in docs/design/identity.md.
 */
#ifndef CORE_ORIGIN_H
#define CORE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

/* What it takes to learn a file's attributes as its server has them. */
enum origin_look {
	LOOK_LOCAL,  /* statx() returns them, or options.trust: nobody is asked */
	LOOK_ASKED,  /* only AT_STATX_FORCE_SYNC asks the server */
	LOOK_OPENED, /* the same, but only after a new open(): the mount has a table of its own */
	LOOK_NEVER,  /* nothing, for minutes */
};

struct origin {
	uint64_t id[2];
	union {
		struct {
			bool unstable_inodes; /* FUSE: numbers are made up at each mount */
			bool special; /* the kernel makes up its contents, or nothing tells its files from others */
			bool packed;	     /* made elsewhere, with all times */
			bool settable_times; /* a program may have set ctime */
			bool subvolumes;     /* files of snapshots may have equal attributes */
			uint8_t look;	     /* enum origin_look */
		};
		uint64_t bits; /* all fields in one word, to be copied at once */
	};
};

/* What is known of the mount on which `fd` with attributes `stx` lies. Cached; thread-safe. */
void origin_of(int fd, const struct statx *stx, struct origin *origin);

/*
 * If the origin has subvolumes: the one of the file, by a number that is never reused. Returns false if the
 * kernel does not tell.
 */
bool origin_subvolume(int fd, const struct statx *stx, uint64_t *subvolume);

void origin_fork_prepare(void);
void origin_fork_release(void);

#endif
