/* SPDX-License-Identifier: MIT */
/*
 * Files that nobody has open: kept for the next open, the least recently opened given up first.
 *
 *	NO --> NOTED --> QUEUED --> NO		file->idle
 *	        |___________________^		it is open again
 *
 * The thread that releases the last reference pushes the file onto a stack, without a lock, so that a close needs no
 * system call for it. idle_sort() moves the notes into the queue, under the files lock. Opening a file does not remove
 * it from the stack or the queue: idle_sort() and idle_take() skip files that are open.
 */
#ifndef CORE_IDLE_H
#define CORE_IDLE_H

#include <stdint.h>

struct file;

enum { IDLE_NO, IDLE_NOTED, IDLE_QUEUED };

struct idle {
	struct file *noted;	      /* the stack, linked by idle_next */
	struct file *oldest, *newest; /* the queue, linked by idle_next */
	uint32_t count;
};

/* Call when the last reference was released. Takes no lock. */
void idle_note(struct idle *idle, struct file *file);

/* Under the files lock: move the notes into the queue. */
void idle_sort(struct idle *idle);

/*
 * Under the files lock: take the file that has been idle longest, if more than `most` are. It is in no
 * queue any more, and dead: nobody can take a reference. NULL: there is none.
 */
struct file *idle_take(struct idle *idle, uint32_t most);

#endif
