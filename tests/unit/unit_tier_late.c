/* SPDX-License-Identifier: MIT */
/* When an answer of the tier is late: time in which the helper looks, on connections without a server. No real time. */
#include <sys/socket.h>
#include <unistd.h>

#include "core/tier/attention.h"
#include "core/tier/connection.h"
#include "unit/unit.h"

#define MS UINT64_C(1000000)
#define PATIENCE (20 * MS)

static uint64_t now = 1000 * MS;
static int told;
static bool unwanted;

static bool call_late(void *owner, struct link_call *call)
{
	(void)owner;
	assert_null(call);
	told++;
	return false;
}

/* The helper has looked after so long; it had wanted to do so after a millisecond. */
static void look(struct connection *link, uint64_t after)
{
	now += after;
	attention_look(now, MS);
	connection_idle(link);
}

/* It looks each millisecond, for so long. */
static void look_on(struct connection *link, uint64_t time)
{
	for (uint64_t passed = 0; passed < time; passed += MS)
		look(link, MS);
}

/* A machine on which the helper runs when it wants to. */
static void calm(struct connection *link)
{
	look_on(link, 10000 * MS);
	told = 0;
}

#define SHARE (10 * MS)
#define OTHERS 3

struct ends {
	struct connection link;
	int server;
	struct link_call *call;
	struct link_call *others[OTHERS + 1]; /* behind it */
};

static struct link_call *question(void)
{
	struct link_call *call = link_call_new(0);

	assert_non_null(call);
	call->owner = &told;
	call->ended = call_late;
	call->unwanted = &unwanted;
	call->patience = PATIENCE;
	call->share = SHARE;
	call->command_bytes = 4;
	return call;
}

static void ends_open(struct ends *ends)
{
	static const struct server server = { .name = 1 };
	int pair[2];

	*ends = (struct ends){ .link = { .server = &server } };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	ends->link.fd = pair[0] + 1;
	ends->server = pair[1];
	attention_begin(now);
	calm(&ends->link);
	ends->call = question();
}

/* Open them, and send the question. */
static void ends_ask(struct ends *ends)
{
	ends_open(ends);
	connection_accept(&ends->link, ends->call);
	connection_send(&ends->link);
}

/* Others behind it, each of which has more time. */
static void ends_ask_more(struct ends *ends)
{
	for (int i = 0; i < OTHERS; i++) {
		ends->others[i] = question();
		connection_accept(&ends->link, ends->others[i]);
	}
	connection_send(&ends->link);
}

static void ends_close(struct ends *ends)
{
	close(ends->server);
	close(ends->link.fd - 1);
	link_call_free(ends->call);
	for (int i = 0; i <= OTHERS && ends->others[i]; i++)
		link_call_free(ends->others[i]);
}

static void an_answer_is_late_after_its_patience(void **state)
{
	struct ends ends;

	(void)state;
	ends_ask(&ends);
	look_on(&ends.link, PATIENCE - MS);
	assert_int_equal(told, 0);
	look(&ends.link, MS);
	assert_int_equal(told, 1);
	/* once */
	look(&ends.link, MS);
	assert_int_equal(told, 1);
	ends_close(&ends);
}

/* A server that has stopped owes many answers, and is asked for more until somebody knows. */
static void silence_is_told_of_all(void **state)
{
	struct ends ends;

	(void)state;
	ends_ask(&ends);
	ends_ask_more(&ends);
	look_on(&ends.link, PATIENCE - MS);
	assert_int_equal(told, 0);
	look(&ends.link, MS);
	assert_int_equal(told, 1 + OTHERS);
	ends.others[OTHERS] = question();
	connection_accept(&ends.link, ends.others[OTHERS]);
	look(&ends.link, MS);
	assert_int_equal(told, 2 + OTHERS);
	ends_close(&ends);
}

/* One that says something, if only a part, is at work. */
static void a_word_is_no_silence(void **state)
{
	struct ends ends;

	(void)state;
	ends_ask(&ends);
	ends_ask_more(&ends);
	look_on(&ends.link, PATIENCE - MS);
	assert_int_equal(write(ends.server, "E", 1), 1);
	connection_receive(&ends.link);
	look(&ends.link, MS);
	assert_int_equal(told, 1);
	look_on(&ends.link, SHARE);
	assert_int_equal(told, 2);
	ends_close(&ends);
}

/* Of 100 ms most are not the server's: an answer may have been there all the time. */
static void a_helper_that_stood_still_looks_again(void **state)
{
	struct ends ends;

	(void)state;
	ends_open(&ends);
	connection_accept(&ends.link, ends.call);
	/* nor is a question late that could not be sent */
	look(&ends.link, 100 * MS);
	assert_int_equal(told, 0);
	connection_send(&ends.link);
	look(&ends.link, MS);
	assert_int_equal(told, 0);
	/* the server has stopped: that is found out, after some looks more than on a calm machine */
	for (int i = 0; i < 70; i++)
		look(&ends.link, MS);
	assert_int_equal(told, 1);
	ends_close(&ends);
}

static void a_starved_helper_is_not_patient_for_ever(void **state)
{
	struct ends ends;
	int looks = 0;

	(void)state;
	ends_ask(&ends);
	for (; !told && looks < 100; looks++)
		look(&ends.link, 20 * MS);
	assert_in_range(looks, 2, 12);
	ends_close(&ends);
}

static void the_silence_of_a_stall_is_not_the_servers(void **state)
{
	struct ends ends;

	(void)state;
	ends_ask(&ends);
	look(&ends.link, 400 * MS);
	assert_int_equal(ends.link.silent, 0);
	assert_int_not_equal(ends.link.fd, 0);
	calm(&ends.link);
	/* ten seconds without a word are: it was closed */
	assert_int_equal(ends.link.fd, 0);
	close(ends.server);
}

#define VALUE 100000u

/* A value to be stored, which has an answer but no owner, and behind it the question. */
static void ends_put(struct ends *ends)
{
	struct link_call *put = link_call_new(0);

	ends_open(ends);
	link_call_free(ends->call);
	assert_non_null(put);
	put->put = true;
	put->bytes = VALUE;
	put->command_bytes = 4;
	connection_accept(&ends->link, put);
	connection_send(&ends->link);
	assert_int_equal(ends->link.puts_under_way, 1);
	put->command_bytes = (uint32_t)snprintf(put->command, sizeof(put->command), "HD O%u\r\n",
						put->opaque);
	ends_ask_more(ends);
}

/* The way to the server has room for so much more: until it has all of a value, it cannot answer. */
static void way_takes(struct ends *ends, size_t bytes)
{
	static char taken[2 * VALUE];

	assert_in_range(read(ends->server, taken, bytes), 1, bytes);
}

static void a_slow_way_to_a_server_is_not_its_silence(void **state)
{
	struct ends ends;
	struct link_call *put;

	(void)state;
	ends_put(&ends);
	look_on(&ends.link, 400 * MS);
	/* questions behind it are as late as ever: the origin is read */
	assert_int_equal(told, OTHERS);
	way_takes(&ends, VALUE - 10000);
	look(&ends.link, MS);
	assert_in_range(ends.link.silent, 0, 2 * MS);
	look_on(&ends.link, 400 * MS);
	assert_int_not_equal(ends.link.fd, 0);
	way_takes(&ends, 2 * VALUE);
	look(&ends.link, MS);
	/* nor is it slow in answering what came behind the value */
	put = ends.link.under_way.first;
	assert_int_equal(write(ends.server, put->command, put->command_bytes), put->command_bytes);
	connection_receive(&ends.link);
	look(&ends.link, MS);
	assert_int_not_equal(ends.link.fd, 0);
	/* then it has all, and says nothing */
	look_on(&ends.link, 600 * MS);
	assert_int_equal(ends.link.fd, 0);
	close(ends.server);
}

static void a_server_that_takes_nothing_is_silent(void **state)
{
	struct ends ends;

	(void)state;
	ends_put(&ends);
	look_on(&ends.link, 400 * MS);
	assert_in_range(ends.link.silent, 390 * MS, 400 * MS);
	look_on(&ends.link, 200 * MS);
	assert_int_equal(ends.link.fd, 0);
	close(ends.server);
}

static void grace_is_bounded(void **state)
{
	struct connection none = { 0 };

	(void)state;
	attention_begin(now);
	calm(&none);
	/* less than a microsecond */
	assert_in_range(attention_lag(), 0, 999);
	look(&none, 4 * MS);
	assert_int_equal(attention_lag(), 3 * MS);
	assert_int_equal(attention_grace(100 * PATIENCE), 24 * MS);
	/* a server that has stopped is waited for, too */
	assert_int_equal(attention_grace(8 * MS), 16 * MS);
	assert_int_equal(attention_grace(0), 6 * MS);
	/* nor does the machine's lag count as what the tier takes */
	assert_int_equal(attention_took(attention_ns() - 20 * MS), 14 * MS);
	assert_int_equal(attention_took(attention_ns() - 5 * MS), 1);
	look(&none, UINT64_C(3600000) * MS);
	assert_int_equal(attention_lag(), 25 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_late_after_its_patience),
		cmocka_unit_test(silence_is_told_of_all),
		cmocka_unit_test(a_word_is_no_silence),
		cmocka_unit_test(a_helper_that_stood_still_looks_again),
		cmocka_unit_test(a_starved_helper_is_not_patient_for_ever),
		cmocka_unit_test(the_silence_of_a_stall_is_not_the_servers),
		cmocka_unit_test(a_slow_way_to_a_server_is_not_its_silence),
		cmocka_unit_test(a_server_that_takes_nothing_is_silent),
		cmocka_unit_test(grace_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
