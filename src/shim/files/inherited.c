/* SPDX-License-Identifier: MIT */
/* Descriptors that the program did not open: they are examined at their first use. */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "shim/files/track.h"
#include "shim/libc/procfd.h"
#include "shim/table/process.h"

static void inherited_look(int fd, void *arg)
{
	struct statx stx;

	(void)arg;
	/* most are pipes and terminals; no server is asked for this */
	if (sys_fstatx_by(fd, AT_STATX_DONT_SYNC, &stx) || !S_ISREG(stx.stx_mode))
		return;
	if (track_path_inside(fd) && !fdtab_reserve(fd))
		fdtab_swap(fd, FDTAB_ADOPT);
}

void track_inherited(void)
{
	procfd_each_alone(inherited_look, NULL);
}

void track_received(int fd)
{
	int saved = errno;

	fd_new(fd);
	if (attach_active && fd >= 0 && !process_is_foreign())
		inherited_look(fd, NULL);
	errno = saved;
}
