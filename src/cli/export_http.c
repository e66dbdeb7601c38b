/* SPDX-License-Identifier: MIT */
/*
 * The server: libmicrohttpd answers in a thread of its own, this one notes the counters. Each answer takes
 * a look of its own at the image, so that an image that comes and goes is reported as it is.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/export.h"
#include "cli/library.h"
#include "cli/say.h"

#ifdef HAVE_MICROHTTPD
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <time.h>

/* A scraper needs one; clients that leak them must not take all descriptors. */
#define CONNECTIONS_MAX 32u
#define IDLE_SECONDS \
	10u /* the scrape timeout of Prometheus, by default: its "Configuration" page */

#define TYPE_TEXT "text/plain; version=0.0.4; charset=utf-8"
#define TYPE_OPEN "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_PLAIN "text/plain; charset=utf-8"

#define LIBRARY "libmicrohttpd.so.12"
/* clang-format off */
#define HTTP_TABLE(X) \
	X(MHD_lookup_connection_value) X(MHD_create_response_from_buffer) X(MHD_add_response_header) \
	X(MHD_queue_response) X(MHD_destroy_response) X(MHD_start_daemon) X(MHD_stop_daemon)
/* clang-format on */

static struct {
	HTTP_TABLE(LIBRARY_POINTER)
} http;

struct answer {
	unsigned int code;
	const char *type;
	char *text; /* malloc */
	size_t length;
};

static bool wants_open(struct MHD_Connection *connection)
{
	const char *accept = http.MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
							      "Accept");

	return accept && strstr(accept, "application/openmetrics-text");
}

static void answer_refuse(struct answer *answer, unsigned int code, const char *text)
{
	free(answer->text);
	answer->code = code;
	answer->type = TYPE_PLAIN;
	answer->text = strdup(text);
	answer->length = answer->text ? strlen(text) : 0;
}

static void answer_make(struct exporter *exporter, struct MHD_Connection *connection,
			const char *url, struct answer *answer)
{
	FILE *out = open_memstream(&answer->text, &answer->length);
	bool metrics = !strcmp(url, "/metrics");
	bool open = wants_open(connection);
	bool failed = !out;

	answer->code = MHD_HTTP_OK;
	answer->type = !metrics ? TYPE_HTML : open ? TYPE_OPEN : TYPE_TEXT;
	if (out && metrics)
		export_metrics(exporter, out, open);
	else if (out)
		failed = export_page(exporter, out) != GO_ON;
	if (out && fclose(out))
		failed = true;
	if (failed)
		answer_refuse(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
			      "the image cannot be used now; /metrics tells why\n");
}

static enum MHD_Result answer_send(struct MHD_Connection *connection, const struct answer *answer)
{
	struct MHD_Response *response = NULL;
	enum MHD_Result result;

	if (answer->text)
		response = http.MHD_create_response_from_buffer(answer->length, answer->text,
								MHD_RESPMEM_MUST_FREE);
	if (!response)
		return MHD_NO;
	http.MHD_add_response_header(response, "Content-Type", answer->type);
	http.MHD_add_response_header(response, "Cache-Control", "no-store");
	http.MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	result = http.MHD_queue_response(connection, answer->code, response);
	http.MHD_destroy_response(response);
	return result;
}

/* libmicrohttpd calls it when the headers have arrived, again for the body, and at the end. */
static enum MHD_Result request_take(void *arg, struct MHD_Connection *connection, const char *url,
				    const char *method, const char *version, const char *data,
				    size_t *size, void **state)
{
	static int begun;
	struct answer answer = { 0 };

	(void)version;
	(void)data;
	if (!*state) {
		*state = &begun;
		return MHD_YES;
	}
	if (*size) {
		*size = 0; /* nobody reads it */
		return MHD_YES;
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		answer_refuse(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n");
	else if (strcmp(url, "/") && strcmp(url, "/metrics"))
		answer_refuse(&answer, MHD_HTTP_NOT_FOUND, "there are / and /metrics\n");
	else
		answer_make(arg, connection, url, &answer);
	return answer_send(connection, &answer);
}

/* Note the counters at each step until a signal ends it; `ends` is blocked. */
static void export_until(struct exporter *exporter, const sigset_t *ends)
{
	int got;

	do {
		struct timespec step = { (time_t)(exporter->history.step_ms / 1000),
					 (long)(exporter->history.step_ms % 1000) * 1000000 };

		export_note(exporter);
		while ((got = sigtimedwait(ends, NULL, &step)) < 0 && errno == EINTR)
			;
	} while (got < 0);
}

int export_serve(struct exporter *exporter, const char *where)
{
	struct MHD_Daemon *server;
	struct listener listener;
	sigset_t ends;
	int status;

	if (!library_load(LIBRARY, HTTP_TABLE(LIBRARY_NAME), &http))
		return say_refusal("rawcache needs " LIBRARY " to listen, which cannot be loaded; "
				   "`rawcache export --textfile FILE` works without it");
	status = listener_open(&listener, where);
	if (status != GO_ON)
		return status;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	server = http.MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD, 0, NULL, NULL, request_take,
				       exporter, MHD_OPTION_LISTEN_SOCKET, listener.fd,
				       MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
				       MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_END);
	if (server) {
		printf("serving %s\n", listener.url);
		fflush(stdout);
		export_until(exporter, &ends);
		http.MHD_stop_daemon(server);
		listener.fd = -1; /* libmicrohttpd has closed it */
	} else {
		status = say_refusal("the server for %s could not be started; "
				     "choose another address with --listen, or use --textfile",
				     where);
	}
	listener_close(&listener);
	return status == GO_ON ? STATUS_OK : status;
}

#else

int export_serve(struct exporter *exporter, const char *where)
{
	(void)exporter;
	(void)where;
	return say_refusal("this rawcache was built without libmicrohttpd and cannot listen; "
			   "`rawcache export --textfile FILE` works without it");
}

#endif
