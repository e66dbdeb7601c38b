/* SPDX-License-Identifier: MIT */
#include "cli/tierlist.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/command.h"
#include "cli/say.h"

#define PORT "11211" /* memcached's own */

/* The first address of a host, with its port. */
static int host_resolve(const char *command, const char *host, const char *port, char *to,
			size_t room)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char address[INET6_ADDRSTRLEN], service[8];
	int err = getaddrinfo(host, port, &hints, &found);
	int n;

	if (err)
		return say_usage(command, "the tier's server %s is not known: %s; give its address",
				 host, gai_strerror(err));
	err = getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof(address), service,
			  sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV);
	n = snprintf(to, room, found->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", address,
		     service);
	freeaddrinfo(found);
	return err || n < 0 || (size_t)n >= room ?
		       say_usage(command, "the tier's server %s has no address; give one", host) :
		       GO_ON;
}

/* HOST, HOST:PORT, [ADDRESS]:PORT or unix:PATH */
static int server_resolve(const char *command, char *text, char *to, size_t room)
{
	char *colon = strrchr(text, ':');
	const char *port = PORT;

	if (!strncmp(text, "unix:", 5))
		return snprintf(to, room, "%s", text) < (int)room ?
			       GO_ON :
			       say_usage(command, "%s is too long; give a shorter address", text);
	if (colon && (!strchr(colon, ']'))) {
		*colon = '\0';
		port = colon + 1;
	}
	if (*text == '[' && text[strlen(text) - 1] == ']') {
		text[strlen(text) - 1] = '\0';
		text++;
	}
	return host_resolve(command, text, port, to, room);
}

int tierlist_resolve(const char *command, const char *list, char *to, size_t room)
{
	size_t used = 0;

	for (;;) {
		size_t n = strcspn(list, ",");
		char text[128];
		int status;

		if (!n || n >= sizeof(text))
			return say_usage(
				command,
				"the tier's list has a server that is empty or too long: %s; write HOST:PORT,HOST:PORT",
				list);
		memcpy(text, list, n);
		text[n] = '\0';
		status = server_resolve(command, text, to + used, room - used);
		if (status != GO_ON)
			return status;
		used += strlen(to + used);
		if (!list[n])
			return GO_ON;
		list += n + 1;
		if (used + 2 > room)
			return say_usage(command,
					 "the tier's list is too long; name fewer servers");
		to[used++] = ',';
	}
}

int tierlist_refused(const char *why)
{
	return say_refusal("RAWCACHE_TIER is refused: %s; correct it or unset it", why);
}
