/* SPDX-License-Identifier: MIT */
/*
 * Files that nobody has open: kept for the next open, the least recently opened given up first.
 *
 *	NO --> NOTED --> QUEUED --> NO		file->idle
 *	        |___________________^		it is open again
 *
 * Who gives up the last reference notes the file on a stack, without a lock: a close takes no system call for
 * it. Under the files lock the notes are sorted into the queue. An open takes a file from neither: one that is
 * open stays where it is until somebody comes upon it.
 */
#ifndef CORE_IDLE_H
#define CORE_IDLE_H

#include <stdint.h>

struct file;

enum { IDLE_NO, IDLE_NOTED, IDLE_QUEUED };

struct idle {
	struct file *noted; /* stack; by idle_next */
	struct file *oldest, *newest; /* by idle_next */
	uint32_t count;
};

/* The last reference was given up. Without a lock. */
void idle_note(struct idle *idle, struct file *file);

/* Under the files lock: the notes become part of the queue. */
void idle_sort(struct idle *idle);

/*
 * Under the files lock: the file that was idle for longest, if more than `most` are. It is in no queue any
 * more, and dead: nobody gets a reference of it. NULL: none.
 */
struct file *idle_take(struct idle *idle, uint32_t most);

#endif
