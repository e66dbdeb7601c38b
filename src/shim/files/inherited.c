/* SPDX-License-Identifier: MIT */
/* Descriptors that the program did not open: they are examined at their first use. */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "base/compiler.h"

#include "shim/files/track.h"
#include "shim/libc/procfd.h"
#include "shim/table/process.h"

/* False: there is no such descriptor. */
at_start static bool inherited_look(int fd)
{
	struct statx stx;
	int err = sys_fstatx_by(fd, AT_STATX_DONT_SYNC, &stx);

	/* most are pipes and terminals; no server is asked for this */
	if (!err && S_ISREG(stx.stx_mode) && track_path_inside(fd) && !fdtab_reserve(fd))
		fdtab_swap(fd, FDTAB_ADOPT);
	return err != -EBADF;
}

at_start void track_inherited(void)
{
	procfd_each_alone(inherited_look);
}

void track_received(int fd)
{
	int saved = errno;

	fd_new(fd);
	if (attach_active && fd >= 0 && !process_is_foreign())
		inherited_look(fd);
	errno = saved;
}
