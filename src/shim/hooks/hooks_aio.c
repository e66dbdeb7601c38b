/* SPDX-License-Identifier: MIT */
/*
 * POSIX asynchronous I/O. Reads have offsets of their own and go to the origin; a look follows when the
 * program learns that they are done. Writes are announced when they are submitted, and once more then.
 */
#include "shim/libc/symbols.h"

#include <errno.h>

#include "shim/files/announce.h"
#include "shim/files/look.h"

int aio_write(struct aiocb *cb)
{
	return ANNOUNCED(cb->aio_fildes, NEXT(aio_write)(cb));
}

static void done(const struct aiocb *cb)
{
	struct announce announce;

	if (cb->aio_lio_opcode == LIO_READ)
		look_after(cb->aio_fildes);
	if (cb->aio_lio_opcode != LIO_WRITE)
		return;
	announce_begin(&announce, cb->aio_fildes);
	announce_end(&announce);
}

int aio_error(const struct aiocb *cb)
{
	int err = NEXT(aio_error)(cb);

	if (err != EINPROGRESS)
		done(cb);
	return err;
}

ssize_t aio_return(struct aiocb *cb)
{
	done(cb);
	return NEXT(aio_return)(cb);
}

static void list_done(struct aiocb *const *list, int count)
{
	for (int i = 0; i < count; i++)
		if (list[i])
			done(list[i]);
}

int lio_listio(int mode, struct aiocb *const *list, int count, struct sigevent *sig)
{
	int ret;

	list_done(list, count);
	ret = NEXT(lio_listio)(mode, list, count, sig);
	if (mode == LIO_WAIT) {
		int saved = errno;

		list_done(list, count);
		errno = saved;
	}
	return ret;
}

HOOK_ALIAS(aio_write64, aio_write);
HOOK_ALIAS(aio_error64, aio_error);
HOOK_ALIAS(aio_return64, aio_return);
HOOK_ALIAS(lio_listio64, lio_listio);
