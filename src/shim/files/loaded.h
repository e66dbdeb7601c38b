/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader maps. It makes its own system calls, so a library below a cached directory is read from
 * the origin while it is loaded. Its code stays the origin's always, because others find it by the name of its
 * file. Pages of the image replace large read-only data afterwards: at the first dlsym() that follows; for
 * libraries with which the program began, when its first file is tracked.
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
 * dl_iterate_phdr(). Returns LOADED_LATER instead while a thread forks: the child would have the loader's lock
 * taken by a thread that it does not have. Also while another thread is in a dl_iterate_phdr() of the program,
 * which may wait for this thread.
 */
#define LOADED_LATER (-1)
int loaded_visit(int (*visit)(struct dl_phdr_info *info, size_t size, void *arg), void *arg);

/*
 * Sleep for a moment while waiting for the loader's list. *naps counts the moments, from 0. Returns false when
 * there were as many as a thread may wait for.
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

/* A file was tracked: look at the libraries with which the program began. */
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
 * Must enclose a call that makes memory writable, from before the cache is asked about it. Until it is over no page
 * of the image is put anywhere: the program's writes to it would be lost.
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
 * Count the loaded files that lie in a cached directory as passed through; attach for that if needed. Called once,
 * when the program ends: all libraries are loaded only then.
 */
void loaded_count(void);

#endif
