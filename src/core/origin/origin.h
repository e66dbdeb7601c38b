/* SPDX-License-Identifier: MIT */
/*
 * Which file system a file lies on, in terms that survive a reboot and a new mount: type,
 * source, root and mount point from /proc/self/mountinfo. Device numbers do not survive, and
 * two containers may mount different things at one path. Of file systems that are made as a whole
 * (squashfs, ...) those say too little: see "What makes a file the same file" in docs/design/identity.md.
 */
#ifndef CORE_ORIGIN_H
#define CORE_ORIGIN_H

#include <stdbool.h>
#include <stdint.h>

struct statx;

/* What it takes to know a file's attributes as its server has them. */
enum origin_look {
	LOOK_LOCAL,  /* statx() tells, or options.trust: nobody is asked */
	LOOK_ASKED,  /* AT_STATX_FORCE_SYNC asks the server, nothing less does */
	LOOK_OPENED, /* so it does after a new open() only: the mount has a table of its own */
	LOOK_NEVER,  /* nothing does, for minutes */
};

struct origin {
	uint64_t id[2];
	union {
		struct {
			bool unstable_inodes; /* FUSE: numbers are made up at each mount */
			bool special; /* made up by the kernel, or told from others by nothing */
			bool packed;  /* made elsewhere, with all times */
			bool settable_times; /* ctime may be what a program has set */
			bool subvolumes;     /* files of snapshots may have equal attributes */
			uint8_t look;	     /* enum origin_look */
		};
		uint64_t bits; /* all of them, to be copied at once */
	};
};

/* What is known of the mount that `fd` with attributes `stx` lies on. Cached; thread-safe. */
void origin_of(int fd, const struct statx *stx, struct origin *origin);

/*
 * Where the origin has subvolumes: which one the file is in, by a number that is never used again.
 * False: the kernel does not tell.
 */
bool origin_subvolume(int fd, const struct statx *stx, uint64_t *subvolume);

void origin_fork_prepare(void);
void origin_fork_release(void);

#endif
