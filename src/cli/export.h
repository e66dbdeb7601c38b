/* SPDX-License-Identifier: MIT */
/* Giving the statistics to monitoring: what `rawcache export` serves and writes. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include <pthread.h>
#include <stdio.h>

#include "cli/history.h"
#include "cli/page.h"

struct exporter {
	const struct target *target;
	pthread_mutex_t lock; /* of the history */
	struct history history;
};

/* Write the present metrics; an image that cannot be used is reported as such. */
void export_metrics(const struct exporter *exporter, FILE *out, bool open);

/* Write the page. GO_ON or a status. */
int export_page(struct exporter *exporter, FILE *out);

/* Note what the counters are now, for the page's pictures over time. */
void export_note(struct exporter *exporter);

/* --- export_socket.c */

struct listener {
	int fd;
	char path[108]; /* of a unix socket, to be removed; else empty */
	char url[160];	/* for people */
};

/* ADDR:PORT or unix:PATH. GO_ON or a status; on GO_ON owes listener_close(). */
int listener_open(struct listener *listener, const char *where);
void listener_close(struct listener *listener);

/* --- export_http.c */

/* Serve until SIGINT or SIGTERM comes. A status. */
int export_serve(struct exporter *exporter, const char *where);

#endif
