/* SPDX-License-Identifier: MIT */
/*
 * Names that are not in a directory, as long as the directory looks as it did.
 *
 * An entry is a hash of the directory (mount, device, inode), its mtime and ctime, whose eyes saw it, and the name. A
 * directory that changes gets other times and so other entries: nothing has to be dropped, what is old is overwritten.
 * Half of the 128 bits is an entry's tag, half its word, so that no lock and no counter is needed: an entry that two
 * processes wrote at once matches nothing.
 *
 * Times vouch for names only if the next change is going to get others. A directory is settled when its last
 * change is settle_ms old by our clock, and by one of two things that do not depend on how the server's clock is set:
 * the server has given a time to another change that is later by so much, or we have seen the directory as it is
 * for so long.
 */
#ifndef CORE_ABSENT_H
#define CORE_ABSENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/image/key.h"
#include "core/shared/cache.h"

struct statx;

/*
 * Whether there is a table. There is none if a process may write to it that the image's owner does not
 * trust.
 */
bool absent_usable(const struct rawcache *cache);

/*
 * The state of a directory: a hash of its device, stx_ino, both times, and of stx_mnt_id if it is never
 * reused.
 */
struct key absent_state(const struct rawcache *cache, const struct statx *dir, uint64_t who);

/*
 * Whether a name that is not in the directory now stays absent for as long as the directory has that state.
 */
bool absent_settled(struct rawcache *cache, const struct statx *dir, const struct key *state);

bool absent_find(const struct rawcache *cache, const struct key *state, const char *name, size_t n);
void absent_add(struct rawcache *cache, const struct key *state, const char *name, size_t n);

#endif
