/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/table/who.h"

#include <limits.h>
#include <linux/capability.h>
#include <sys/syscall.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/sys.h"

#include "shim/libc/pathbuf.h"

#define CHANGES_BLUR (UINT32_C(1) << 31) /* for ever */

#define WORD_CHANGES ((UINT32_C(1) << 20) - 1)
#define WORD_PLAIN (UINT32_C(1) << 20)
#define WORD_HASH 21 /* bits of the hash from here on */

static uint32_t changes = 1;
static uint64_t known; /* what was worked out last, and at which count of changes, in one word */

/* The groups, which lie in `buf`; 0 where there are more than it has room for. */
static uint64_t groups_hash(void *buf, size_t n)
{
	long count = SYS_CALL(__NR_getgroups, n / sizeof(gid_t), buf, 0, 0, 0, 0);

	return count < 0 ? 0 : XXH3_64bits(buf, (size_t)count * sizeof(gid_t)) | 1;
}

static bool who_read(struct who *who)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	struct pathbuf *buf = pathbuf_get();
	uid_t users[3];
	gid_t groups[3];
	uint64_t numbers[4];

	if (!buf)
		return false;
	numbers[0] = groups_hash(buf, sizeof(*buf));
	pathbuf_put(buf);
	if (!numbers[0] || SYS_CALL(__NR_getresuid, &users[0], &users[1], &users[2], 0, 0, 0) ||
	    SYS_CALL(__NR_getresgid, &groups[0], &groups[1], &groups[2], 0, 0, 0) ||
	    SYS_CALL(__NR_capget, &header, caps, 0, 0, 0, 0))
		return false;
	numbers[1] = (uint64_t)users[1] << 32 | groups[1];
	numbers[2] = (uint64_t)caps[0].effective << 32 | caps[1].effective;
	numbers[3] = 0;
	who->hash = XXH3_64bits(numbers, sizeof(numbers));
	/* access() of root has the capabilities that root may have, of others none */
	who->plain = users[0] == users[1] && groups[0] == groups[1] &&
		     caps[0].effective == (users[0] ? 0 : caps[0].permitted) &&
		     caps[1].effective == (users[0] ? 0 : caps[1].permitted);
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

bool who_same(const struct who *who)
{
	return load_acquire(&changes) == who->changes;
}

void who_forget(void)
{
	if (!(load_relaxed(&changes) & CHANGES_BLUR))
		fetch_add(&changes, 1);
}

void who_blur(void)
{
	fetch_or(&changes, CHANGES_BLUR);
}
