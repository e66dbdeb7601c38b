/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/export.h"
#include "cli/say.h"

#define BACKLOG 16 /* connections of one moment; the kernel lets others try again */
#define UNIX_PREFIX "unix:"

static int listen_refuse(const char *where, const char *why)
{
	return say_refusal("cannot listen on %s: %s; choose another address with --listen", where,
			   why);
}

/* --- unix:PATH */

/* Remove a socket that a dead exporter left, but none on which somebody answers. */
static int leftover_remove(const struct sockaddr_un *address, const char *where)
{
	struct stat st;
	int fd, err;

	if (lstat(address->sun_path, &st))
		return GO_ON;
	if (!S_ISSOCK(st.st_mode))
		return listen_refuse(where, "there is a file that is no socket");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = fd < 0 || !connect(fd, (const struct sockaddr *)address, sizeof(*address)) ? 0 :
											   errno;
	if (fd >= 0)
		close(fd);
	if (err != ECONNREFUSED)
		return listen_refuse(where, "somebody listens there");
	unlink(address->sun_path);
	return GO_ON;
}

static int unix_open(struct listener *listener, const char *where)
{
	const char *path = where + strlen(UNIX_PREFIX);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int status;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return say_usage("export", "--listen %s: a path of 1 to %zu bytes is needed", where,
				 sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	status = leftover_remove(&address, where);
	if (status != GO_ON)
		return status;
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd < 0 || bind(listener->fd, (struct sockaddr *)&address, sizeof(address)))
		return listen_refuse(where, strerror(errno));
	strcpy(listener->path, path);
	snprintf(listener->url, sizeof(listener->url), "%s", where);
	return GO_ON;
}

/* --- ADDR:PORT */

/* Split "127.0.0.1:9469" or "[::1]:9469". */
static int address_split(const char *where, char *host, size_t n, char *port, size_t port_n)
{
	const char *colon = strrchr(where, ':');
	size_t length = colon ? (size_t)(colon - where) : 0;

	if (length > 1 && *where == '[' && where[length - 1] == ']') {
		where++;
		length -= 2;
	}
	if (!length || length >= n || !colon[1] || strlen(colon + 1) >= port_n)
		return say_usage("export", "--listen wants ADDRESS:PORT, as in 127.0.0.1:9469, or "
					   "unix:PATH");
	memcpy(host, where, length);
	host[length] = '\0';
	strcpy(port, colon + 1);
	return GO_ON;
}

/* The URL, with the port that the kernel chose if it was asked to. */
static void url_make(struct listener *listener, const char *host)
{
	struct sockaddr_storage bound;
	socklen_t n = sizeof(bound);
	char port[NI_MAXSERV] = "?";

	if (!getsockname(listener->fd, (struct sockaddr *)&bound, &n))
		getnameinfo((struct sockaddr *)&bound, n, NULL, 0, port, sizeof(port),
			    NI_NUMERICSERV);
	snprintf(listener->url, sizeof(listener->url),
		 strchr(host, ':') ? "http://[%s]:%s/" : "http://%s:%s/", host, port);
}

static int inet_open(struct listener *listener, const char *where)
{
	struct addrinfo wanted = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				   .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char host[100], port[8];
	int status = address_split(where, host, sizeof(host), port, sizeof(port));
	int yes = 1;
	int err;

	if (status != GO_ON)
		return status;
	err = getaddrinfo(host, port, &wanted, &found);
	if (err)
		return listen_refuse(where, gai_strerror(err));
	listener->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener->fd >= 0)
		setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	err = listener->fd < 0 || bind(listener->fd, found->ai_addr, found->ai_addrlen) ? errno : 0;
	freeaddrinfo(found);
	if (err)
		return listen_refuse(where, strerror(err));
	url_make(listener, host);
	return GO_ON;
}

/* --- */

int listener_open(struct listener *listener, const char *where)
{
	int status;

	memset(listener, 0, sizeof(*listener));
	listener->fd = -1;
	status = strncmp(where, UNIX_PREFIX, strlen(UNIX_PREFIX)) ? inet_open(listener, where) :
								    unix_open(listener, where);
	if (status == GO_ON && listen(listener->fd, BACKLOG))
		status = listen_refuse(where, strerror(errno));
	if (status != GO_ON)
		listener_close(listener);
	return status;
}

void listener_close(struct listener *listener)
{
	if (listener->fd >= 0)
		close(listener->fd);
	if (*listener->path)
		unlink(listener->path);
	listener->fd = -1;
	*listener->path = '\0';
}
