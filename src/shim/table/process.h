/* SPDX-License-Identifier: MIT */
/*
 * To which process this memory belongs. There are three kinds of children. After fork() everything is ours, copied:
 * the atfork handlers have set all positions in the kernel and repaired the locks. A child of vfork() or
 * clone(CLONE_VM) without CLONE_FILES has the parent's memory but descriptors of its own: what it closes is still
 * open in the parent, so it must leave the table alone. A child of a raw clone system call is like the first kind,
 * but no handler ran. A page that the kernel wipes in copies (MADV_WIPEONFORK) tells it from the second kind.
 */
#ifndef SHIM_PROCESS_H
#define SHIM_PROCESS_H

#include <stdbool.h>

void process_init(void);

/* Whether process_init() was called: before that, the other functions have no meaning. */
bool process_known(void);

/* Whether the descriptor table describes another process than the running one. */
bool process_is_foreign(void);

/* The same without a system call: finds only vfork children, and copies. */
bool process_seems_foreign(void);

/* Must enclose every kind of fork that copies memory; signals are held back between the calls. */
void process_fork_prepare(void);
void process_fork_parent(void);
void process_fork_child(void);

/*
 * A number for each fork child, which is the same in the next run if the program forks in the same way; 0: this
 * process is no fork child.
 */
extern uint64_t process_born;

/*
 * A child is about to get our descriptors: set the positions of those that it will inherit. In a vfork
 * child itself, does nothing: what it passes on was shared before, or when it was duplicated.
 */
void process_share_inherited(void);

/* The same for all positions: a vfork child may read before it calls exec. */
void process_share_vfork(void);

/* Set all positions in the kernel. They come back to user space at the next read. */
void process_lend_all(void);

/*
 * A child is about to get all our descriptors, close-on-exec or not; or somebody uses them where we do not
 * see it.
 */
void process_share_all(void);

/*
 * Stop tracking: something makes descriptor numbers ambiguous. Positions are set in the kernel, entries are
 * removed, and later opens are not examined.
 */
void process_retire(void);

/* This process ends without exit(), or becomes another program: what it has read must be stored. */
void process_settle(void);

/*
 * Call when this thread ends. If it is the first thread, libc lets the last thread of the process call exit(). That
 * must not be a helper of ours, which lacks the descriptors that the program's last words could go to: so there are
 * no helpers from then on.
 */
void process_thread_ends(void);

/* This process is about to have its system calls filtered. */
void process_confine(void);

/*
 * Call when this thread is about to get a descriptor table of its own. If the process has other threads, nobody
 * could tell whose a descriptor number is.
 */
void process_unshare(void);

/*
 * Whether after a clone() with these flags nobody could tell to whom a descriptor number belongs: two
 * processes share memory or the descriptor table, but not both. (The thread of a vfork child's parent
 * waits.)
 */
bool process_clone_confuses(unsigned long flags);

/*
 * Set once; NULL: there are no memory files. Called before others get our descriptors (`all`: also those that are
 * closed on exec), and before rights change: replaces memory files by the real ones.
 */
extern void (*process_stand_ins)(bool all);
static inline void process_stand_ins_end(bool all)
{
	if (process_stand_ins)
		process_stand_ins(all);
}

/* From now on the kernel keeps positions of new descriptors. */
void process_keep_shared(void);
extern bool process_shared_always;

#endif
