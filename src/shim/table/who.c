/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/who.h"

#include <rawcache/embed.h>

#include "base/credentials.h"

#include "shim/libc/pathbuf.h"

#define CHANGES_BLUR (UINT32_C(1) << 31) /* from then on for ever */

/* The word: the count of changes, a bit, and the hash. */
#define WORD_CHANGES ((UINT32_C(1) << 20) - 1)
#define WORD_PLAIN (UINT32_C(1) << 20)
#define WORD_HASH 21 /* the hash begins at this bit */

static uint32_t changes = 1;
static uint64_t known; /* the last result and its count of changes, in one word */

static bool who_read(struct who *who)
{
	struct pathbuf *buf = pathbuf_get();
	struct credentials credentials;
	bool known_now;

	if (!buf)
		return false;
	known_now = credentials_read(buf, sizeof(*buf), &credentials);
	pathbuf_put(buf);
	if (!known_now)
		return false;
	who->hash = credentials.hash;
	who->plain = credentials.plain;
	return true;
}

bool who_now(struct who *who)
{
	uint64_t word;

	who->changes = load_acquire(&changes);
	if (who->changes & CHANGES_BLUR)
		return false;
	word = load_relaxed(&known);
	if (word && (word & WORD_CHANGES) == (who->changes & WORD_CHANGES)) {
		who->hash = word >> WORD_HASH;
		who->plain = word & WORD_PLAIN;
		return true;
	}
	if (!who_read(who) || !who_same(who))
		return false;
	who->hash >>= WORD_HASH;
	store_relaxed(&known, who->hash << WORD_HASH | (who->plain ? WORD_PLAIN : 0) |
				      (who->changes & WORD_CHANGES));
	return true;
}

bool who_is(const struct who *who, uint64_t hash)
{
	return who->hash == hash >> WORD_HASH;
}

bool who_same(const struct who *who)
{
	return load_acquire(&changes) == who->changes;
}

void who_forget(void)
{
	rawcache_opens_drop(true);
	if (!(load_relaxed(&changes) & CHANGES_BLUR))
		fetch_add(&changes, 1);
}

void who_blur(void)
{
	rawcache_opens_drop(true);
	fetch_or(&changes, CHANGES_BLUR);
}
