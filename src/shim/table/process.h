/* SPDX-License-Identifier: MIT */
/*
 * Whose memory this is.
 *
 * Three kinds of child meet the shim. After fork() everything is ours, copied: the atfork
 * handlers moved all positions into the kernel and repaired the locks. A child of vfork() or
 * clone(CLONE_VM) without CLONE_FILES has the parent's memory but descriptors of its own: what
 * it closes is still open in the parent, so it must leave the table alone. A child of a raw
 * clone system call is like the first, but nobody was told: a page that the kernel wipes in
 * copies (MADV_WIPEONFORK) tells it from the second.
 */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include <stdbool.h>

void process_init(void);

/* Whether process_init() was called: nothing else here has a meaning before. */
bool process_known(void);

/* The descriptor table describes another process than the one that is running. */
bool process_is_foreign(void);

/* The same without a system call: only vfork children, and copies, are found out. */
bool process_seems_foreign(void);

/* Around every kind of fork that copies memory; signals are held back between them. */
void process_fork_prepare(void);
void process_fork_parent(void);
void process_fork_child(void);

/*
 * A child is about to get our descriptors: give it the positions of those it will inherit. In a
 * vfork child itself, nothing: what it passes on was shared before, or when it duplicated it.
 */
void process_share_inherited(void);

/* The same, and the other positions are settled, too: a vfork child may read before it execs. */
void process_share_vfork(void);

/* The kernel's positions are right now; they become ours again at the next read. */
void process_lend_all(void);

/* A child is about to get all our descriptors, close-on-exec or not; or somebody uses them where we do not see it. */
void process_share_all(void);

/*
 * Stop tracking anything: something makes descriptor numbers ambiguous. Positions go to the
 * kernel, entries die, opens are not looked at any more.
 */
void process_retire(void);

/* This process ends without exit(), or becomes another program: what it has read shall be stored. */
void process_settle(void);

/* This process is about to have its system calls filtered. */
void process_confine(void);

/*
 * This thread is about to have descriptors of its own: with others beside it, nobody could tell
 * whose a number is.
 */
void process_unshare(void);

/*
 * After a clone() with these flags nobody could tell whose descriptor a number is: two processes
 * on one memory or with one descriptor table, and not the other. (A vfork child has its parent's
 * thread wait.)
 */
bool process_clone_confuses(unsigned long flags);

/*
 * Before others get our descriptors (`all`: also those that are closed on exec), and before rights change: what stands
 * in for a file becomes the file. NULL: there is none. Set once.
 */
extern void (*process_stand_ins)(bool all);
static inline void process_stand_ins_end(bool all)
{
	if (process_stand_ins)
		process_stand_ins(all);
}

/* From now on positions of new descriptors stay with the kernel. */
void process_keep_shared(void);
extern bool process_shared_always;

#endif
