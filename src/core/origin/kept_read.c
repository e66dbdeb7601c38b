/* SPDX-License-Identifier: MIT */
#include "core/origin/kept_read.h"

#include <errno.h>

#include "base/checked.h"
#include "base/sys.h"
#include "core/image/format.h"

static ssize_t read_some(const struct kept *kept, const struct io_request *request, char *buf,
			 size_t have)
{
	size_t end = request->length;

	/*
	 * O_DIRECT wants whole pages, for which buffers have room. The end is rounded, not what is
	 * left: after a short answer that would be more than the buffer has.
	 */
	if (kept->direct)
		end = round_up(end, FORMAT_PAGE);
	return sys_pread(kept->fd, buf + have, end - have, request->offset + have);
}

int32_t kept_read(const struct kept *kept, const struct io_request *request, char *buf)
{
	size_t have = 0;
	int err = 0;

	while (!err && have < request->length) {
		ssize_t got = read_some(kept, request, buf, have);

		if (got == -EINTR)
			continue;
		if (got < 0 && !have)
			err = (int)got;
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	/* it has grown: whoever looks at its attributes will see */
	return err ? err : (int32_t)min_u64(have, request->length);
}
