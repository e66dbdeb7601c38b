/* SPDX-License-Identifier: MIT */
/*
 * libc's clients of the remote shell, which return sockets. libc itself made the descriptors that it closes
 * inside these functions: the table does not know them.
 */
#include "shim/libc/symbols.h"

#include "shim/files/fd.h"

/* With `error` there is a second socket, for the command's messages. */
static int remote_new(int fd, const int *error)
{
	if (fd >= 0 && error)
		fd_new(*error);
	return fd_new(fd);
}

int rcmd(char **host, unsigned short port, const char *local, const char *remote,
	 const char *command, int *error)
{
	return remote_new(NEXT(rcmd)(host, port, local, remote, command, error), error);
}

int rcmd_af(char **host, unsigned short port, const char *local, const char *remote,
	    const char *command, int *error, sa_family_t family)
{
	return remote_new(NEXT(rcmd_af)(host, port, local, remote, command, error, family), error);
}

int rexec(char **host, int port, const char *user, const char *password, const char *command,
	  int *error)
{
	return remote_new(NEXT(rexec)(host, port, user, password, command, error), error);
}

int rexec_af(char **host, int port, const char *user, const char *password, const char *command,
	     int *error, sa_family_t family)
{
	return remote_new(NEXT(rexec_af)(host, port, user, password, command, error, family),
			  error);
}

int rresvport(int *port)
{
	return fd_new(NEXT(rresvport)(port));
}

int rresvport_af(int *port, sa_family_t family)
{
	return fd_new(NEXT(rresvport_af)(port, family));
}
