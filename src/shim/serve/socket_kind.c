/* SPDX-License-Identifier: MIT */
#include "shim/libc/symbols.h"

#include "shim/serve/socket_kind.h"

#include <netinet/in.h>

#include "base/compiler.h"
#include "base/sys.h"

#include "shim/serve/send_cost.h"

#define VAIN_MAX 64u /* less than 2 % of the writes look in vain */

static bool socket_option(int fd, int name, int *value)
{
	unsigned int n = sizeof(*value);

	return !sys_getsockopt(fd, SOL_SOCKET, name, value, &n);
}

/*
 * The descriptor of this thread's last large write, if it was no stream socket: it is asked again after as
 * many writes as it was asked in vain before. The number may mean another one by now, which costs a copy.
 */
static tls_initial struct {
	int fd;
	uint32_t asked, left;
} vain;

static bool vain_seems(int fd)
{
	if (vain.fd != fd || !vain.left)
		return false;
	vain.left--;
	return true;
}

static void vain_note(int fd)
{
	vain.asked = vain.fd != fd ? 1 : vain.asked < VAIN_MAX ? vain.asked * 2 : VAIN_MAX;
	vain.left = vain.asked - 1;
	vain.fd = fd;
}

bool socket_kind(int fd, unsigned int *kind)
{
	int value;

	if (vain_seems(fd))
		return false;
	if (!socket_option(fd, SO_TYPE, &value) || value != SOCK_STREAM) {
		vain_note(fd);
		return false;
	}
	vain.fd = -1;
	if (!socket_option(fd, SO_DOMAIN, &value))
		return false;
	*kind = 0;
	if (value == AF_UNIX)
		return true;
	*kind = SEND_TCP;
	return (value == AF_INET || value == AF_INET6) && socket_option(fd, SO_PROTOCOL, &value) &&
	       value == IPPROTO_TCP;
}
