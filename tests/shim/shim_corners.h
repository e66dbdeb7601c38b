/* SPDX-License-Identifier: MIT */
/* Corners: what shim_corners.c and its parts share. Each returns the exit status. */
#ifndef SHIM_CORNERS_H
#define SHIM_CORNERS_H

#define BLOCK 4096
#define CHUNK (256 << 10)

extern const char *a, *b;
extern char buf[CHUNK];

/* shim_corners.c */
int fail(const char *what);
int open_a(int flags);
/* The buffer has block `n` of the file. */
int is_block(const char *path, int n);

/* shim_corners_process.c */
int range_unshare(void);
int vfork_replaces(void);
int vfork_keeps(void);
/* Actions that were made before the file was opened. */
int spawn_early(void);
int lock_ends(void);
int namespace_user(void);
/* The first open of the process, in a thread with the smallest stack that there is. */
int small_stack(void);
int namespace_join(void);
/* What a signal of ours interrupts goes on, or not, as the program wants it. */
int restart(void);
/* What a vfork child does with its signals is not its parent's. */
int vfork_signals(void);

/* shim_corners_memory.c */
int lock_before(void);
int lock_after(void);
/* Without privileges: what is allowed is more than the program has, and less than the image. */
int lock_limited(void);
/* Limited to somewhat more than the image. */
int space(void);

/* shim_corners_cut.c */
int cut_short(void);
/* The image is cut off while helpers are at work: their faults are no more the program's than its own. */
int cut_under_helpers(void);
/* In a thread that holds every signal back. */
int cut_blocked(void);
int cut_sendfile(void);
int cut_advise(void);

#endif
