/* SPDX-License-Identifier: MIT */
#include "base/credentials.h"

#include <linux/capability.h>
#include <sys/types.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/sys.h"

/* Returns 0 when `buf` is too small for the groups. */
static uint64_t groups_hash(void *buf, size_t n)
{
	long count = SYS_CALL(__NR_getgroups, n / sizeof(gid_t), buf, 0, 0, 0, 0);

	return count < 0 ? 0 : XXH3_64bits(buf, (size_t)count * sizeof(gid_t)) | 1;
}

bool credentials_read(void *buf, size_t n, struct credentials *credentials)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	uid_t users[3];
	gid_t groups[3];
	uint64_t numbers[4];

	numbers[0] = groups_hash(buf, n);
	if (!numbers[0] || SYS_CALL(__NR_getresuid, &users[0], &users[1], &users[2], 0, 0, 0) ||
	    SYS_CALL(__NR_getresgid, &groups[0], &groups[1], &groups[2], 0, 0, 0) ||
	    SYS_CALL(__NR_capget, &header, caps, 0, 0, 0, 0))
		return false;
	numbers[1] = (uint64_t)users[1] << 32 | groups[1];
	numbers[2] = (uint64_t)caps[0].effective << 32 | caps[1].effective;
	numbers[3] = 0;
	credentials->hash = XXH3_64bits(numbers, sizeof(numbers));
	/* for root, access() assumes the capabilities that root may have; for other users, none */
	credentials->plain = users[0] == users[1] && groups[0] == groups[1] &&
			     caps[0].effective == (users[0] ? 0 : caps[0].permitted) &&
			     caps[1].effective == (users[0] ? 0 : caps[1].permitted);
	return true;
}
