/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader maps. It makes its own system calls, so libraries below a cached directory are read from the
 * origin while they are loaded, and their code, which is told by the name of its file, always. Pages
 * of the image are put in the place of large read-only data afterwards: at the first dlsym() that follows, and
 * for what the program began with when its first file is tracked.
 */
#ifndef SHIM_LOADED_H
#define SHIM_LOADED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#include "shim/files/code.h"

extern bool loaded_looked, loaded_begun;
extern uint32_t loaded_opening;

struct dl_phdr_info;

/*
 * dl_iterate_phdr(), but LOADED_LATER instead while a thread forks, for the child would have the loader's lock
 * taken, by nobody; and while another one is in a dl_iterate_phdr() of the program, which may wait for this thread.
 */
#define LOADED_LATER (-1)
int loaded_visit(int (*visit)(struct dl_phdr_info *info, size_t size, void *arg), void *arg);

/*
 * Sleep a moment of the time for which a thread waits for the loader's list. False: *naps, which began at 0, are all
 * that there are.
 */
bool loaded_nap(uint32_t *naps);

/* Around a dl_iterate_phdr() of the program. */
void loaded_call_begin(void);
void loaded_call_end(void);

/* There may be other libraries than those that were looked at. */
static inline void loaded_changed(void)
{
	store_relaxed(&loaded_looked, false);
}

void loaded_look_slow(void);
static inline void loaded_look(void)
{
	if (unlikely(!load_relaxed(&loaded_looked)))
		loaded_look_slow();
}

/* A file was tracked. The program began with some. */
void loaded_begin_slow(void);
static inline void loaded_begin(void)
{
	code_look();
	if (unlikely(!load_relaxed(&loaded_begun)))
		loaded_begin_slow();
}

/* Around dlclose(): what is told before. */
uint64_t loaded_close_begin(void);
void loaded_close_end(uint64_t begun);

/*
 * Around what makes memory writable, from before the cache is asked about it: until it is over no page of the image is
 * put anywhere, for what the program is about to write would be lost.
 */
static inline void loaded_open_begin(void)
{
	fetch_add(&loaded_opening, 1);
	fence_full(); /* pairs with the one in map_loaded.c */
}

static inline void loaded_open_end(void)
{
	fetch_sub(&loaded_opening, 1);
}

/*
 * Count the loaded files that lie in a cached directory as passed through; attaches for that if needed.
 * Called once, when the program ends: all are loaded only then.
 */
void loaded_count(void);

#endif
