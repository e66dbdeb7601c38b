/* SPDX-License-Identifier: MIT */
/* An attached cache, and what is done with it after something in it was changed. */
#ifndef TESTS_FUZZ_ENGINE_H
#define TESTS_FUZZ_ENGINE_H

#include "core/shared/cache.h"

#define FUZZ_FILE_BYTES (600u << 10)

/* The file that is read, of the pattern; after fuzz_cache(). */
const char *fuzz_path(void);

/* The cache, attached at the first call. */
struct rawcache *fuzz_cache(void);

/* Look up, walk, read, store, recycle, fold; every byte read is checked if `check`. */
void fuzz_use(struct rawcache *cache, bool check);

#endif
