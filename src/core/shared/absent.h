/* SPDX-License-Identifier: MIT */
/*
 * Absent names of directories, valid while the directory has the same attributes.
 *
 * An entry is a hash of the directory (mount, device, inode), its mtime and ctime, the credentials with which
 * it was read, and the name. A directory that changes gets other times and so other entries: nothing must be
 * dropped, old entries are overwritten. Half of the 128 bits is an entry's tag, half its word, so that no lock
 * and no counter is needed: an entry that two processes wrote at once matches nothing.
 *
 * Times vouch for names only if the next change gets other times. A directory is settled when its last change
 * is settle_ms old by our clock, and also by one of two measures that do not depend on how the server's clock
 * is set: the server has given another change a time that is later by settle_ms, or we have seen the directory
 * unchanged for settle_ms.
 */
#ifndef CORE_ABSENT_H
#define CORE_ABSENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rawcache/embed.h>

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

enum rawcache_name absent_find(const struct rawcache *cache, const struct key *state,
			       const char *name, size_t n);
void absent_add(struct rawcache *cache, const struct key *state, const char *name, size_t n);

/* Note that the name exists, if that takes no other entry's place: it saves the question whether it is absent. */
void absent_note(struct rawcache *cache, const struct key *state, const char *name, size_t n);

#endif
