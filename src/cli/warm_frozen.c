/* SPDX-License-Identifier: MIT */
#include "cli/warm_frozen.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/frozen.h"
#include "cli/command.h"
#include "cli/frozen_record.h"
#include "cli/say.h"
#include "cli/text.h"

int warm_frozen_record(const struct target *target, const char *dir, unsigned int jobs, bool tell)
{
	struct frozen_recorded recorded;
	char path[PATH_MAX];
	char a[TEXT_LENGTH];
	int status;

	if (!realpath(dir, path))
		return say_refusal("cannot find %s: %s; name a directory that is there", dir,
				   strerror(errno));
	status = frozen_record(target, path, jobs, &recorded);
	if (status == GO_ON && tell)
		printf("%s is frozen: %" PRIu64 " names, %s of small files%s\n", path,
		       recorded.names, text_bytes(recorded.bytes, a),
		       recorded.unknown ? "; of some of them the origin is asked" : "");
	return status;
}

void warm_frozen_shorten(struct filelist *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->file[i].size > FROZEN_SMALL) {
			list->file[kept++] = list->file[i];
			continue;
		}
		list->bytes -= list->file[i].size;
	}
	list->count = kept;
}
