/* SPDX-License-Identifier: MIT */
/*
 * POSIX asynchronous I/O. Reads have offsets of their own and go to the origin; writes are
 * announced when they are submitted, and once more when the descriptor is closed.
 */
#include "shim/symbols.h"

#include "shim/announce.h"

int aio_write(struct aiocb *cb)
{
	struct announce announce;
	int ret;

	announce_begin(&announce, cb->aio_fildes);
	ret = NEXT(aio_write)(cb);
	announce_end(&announce);
	return ret;
}

int lio_listio(int mode, struct aiocb *const *list, int count, struct sigevent *sig)
{
	struct announce announce;

	for (int i = 0; i < count; i++) {
		if (!list[i] || list[i]->aio_lio_opcode != LIO_WRITE)
			continue;
		announce_begin(&announce, list[i]->aio_fildes);
		announce_end(&announce);
	}
	return NEXT(lio_listio)(mode, list, count, sig);
}

HOOK_ALIAS(aio_write64, aio_write);
HOOK_ALIAS(lio_listio64, lio_listio);
