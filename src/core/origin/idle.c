/* SPDX-License-Identifier: MIT */
#include "core/origin/idle.h"

#include "base/compiler.h"
#include "core/origin/file.h"

void idle_note(struct idle *idle, struct file *file)
{
	uint32_t no = IDLE_NO;
	struct file *top;

	fence_full(); /* the reference is released first; pairs with the fence in idle_queue() */
	if (!cas(&file->idle, &no, IDLE_NOTED))
		return;
	top = load_relaxed(&idle->noted);
	do
		file->idle_next = top;
	while (!cas(&idle->noted, &top, file));
}

static void queue_add(struct idle *idle, struct file *file)
{
	file->idle_next = NULL;
	if (idle->newest)
		idle->newest->idle_next = file;
	else
		idle->oldest = file;
	idle->newest = file;
	idle->count++;
}

/*
 * A thread that releases the last reference after this notes the file again; one that did so before is seen
 * here.
 */
static void idle_queue(struct idle *idle, struct file *file)
{
	uint32_t no = IDLE_NO;

	store_relaxed(&file->idle, IDLE_NO);
	fence_full(); /* pairs with the fence in idle_note() */
	if (!load_relaxed(&file->references) && cas(&file->idle, &no, IDLE_QUEUED))
		queue_add(idle, file);
}

void idle_sort(struct idle *idle)
{
	struct file *file = __atomic_exchange_n(&idle->noted, NULL, __ATOMIC_ACQUIRE);
	struct file *first = NULL;

	/* the last note lies on top of the stack */
	while (file) {
		struct file *below = file->idle_next;

		file->idle_next = first;
		first = file;
		file = below;
	}
	while (first) {
		file = first;
		first = file->idle_next;
		idle_queue(idle, file);
	}
}

static struct file *idle_queue_take(struct idle *idle)
{
	struct file *file = idle->oldest;

	idle->oldest = file->idle_next;
	if (!idle->oldest)
		idle->newest = NULL;
	idle->count--;
	return file;
}

struct file *idle_take(struct idle *idle, uint32_t most)
{
	while (idle->count > most) {
		struct file *file = idle_queue_take(idle);
		uint32_t none = 0;

		/* opened since it was queued: if it is idle again, it goes behind the others */
		if (load_relaxed(&file->reopened)) {
			store_relaxed(&file->reopened, false);
			idle_queue(idle, file);
		} else if (cas(&file->references, &none, FILE_DEAD)) {
			store_relaxed(&file->idle, IDLE_NO);
			return file;
		} else {
			idle_queue(idle, file);
		}
	}
	return NULL;
}
