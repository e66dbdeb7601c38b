/* SPDX-License-Identifier: MIT */
/* The words on the wire between a tier and its servers. */
#include <string.h>

#include "core/tier/wire.h"
#include "unit/unit.h"

static const uint8_t some_key[WIRE_KEY] = "0123456789abcdef";

static int parse(const char *text, struct wire_reply *reply)
{
	return wire_parse(text, strlen(text), reply);
}

static void commands_are_what_memcached_reads(void **state)
{
	char text[WIRE_COMMAND_MAX];
	size_t n = wire_get(text, some_key, 7, 3);

	(void)state;
	assert_int_equal(n, strlen(text));
	assert_string_equal(text, "mg MDEyMzQ1Njc4OWFiY2RlZg== b v O7 N3\r\n");
	wire_get(text, some_key, 7, 0);
	assert_string_equal(text, "mg MDEyMzQ1Njc4OWFiY2RlZg== b v O7\r\n");
	wire_ask(text, some_key, 7, 30);
	assert_string_equal(text, "mg MDEyMzQ1Njc4OWFiY2RlZg== b O7 N30\r\n");
	wire_put(text, some_key, 999999999, 262184, 4294967295u);
	assert_string_equal(text,
			    "ms MDEyMzQ1Njc4OWFiY2RlZg== 262184 b T4294967295 O999999999\r\n");
	wire_remove(text, some_key, 1);
	assert_string_equal(text, "md MDEyMzQ1Njc4OWFiY2RlZg== b O1\r\n");
}

static void answers_are_understood(void **state)
{
	struct wire_reply reply;

	(void)state;
	assert_int_equal(parse("VA 262184 O12 \r\nrest", &reply), 16);
	assert_int_equal(reply.kind, WIRE_VALUE);
	assert_int_equal(reply.bytes, 262184);
	assert_int_equal(reply.opaque, 12);
	assert_false(reply.won || reply.waits);
	assert_int_equal(parse("VA 0 O1 W\r\n", &reply), 11);
	assert_true(reply.won);
	assert_int_equal(parse("VA 0 O1 Z s9 kabc\r\n", &reply), 19);
	assert_true(reply.waits && reply.opaque == 1);
	assert_int_equal(parse("EN O5\r\n", &reply), 7);
	assert_int_equal(reply.kind, WIRE_MISS);
	assert_int_equal(parse("HD O5\r\n", &reply), 7);
	assert_int_equal(reply.kind, WIRE_STORED);
	assert_int_equal(parse("NF O5\r\n", &reply), 7);
	assert_int_equal(reply.kind, WIRE_NOT_STORED);
	assert_int_equal(parse("SERVER_ERROR out of memory storing object\r\n", &reply), 43);
	assert_int_equal(reply.kind, WIRE_REFUSED);
}

static void what_is_no_answer_is_refused(void **state)
{
	static const char *const wrong[] = {
		"\r\n",
		"\n",
		"VA\r\n",
		"VA  5\r\n",
		"VA 5",
		"VA x O1\r\n",
		"VA -1 O1\r\n",
		"VA 99999999999 O1\r\n",
		"VA 4294967301 O1\r\n",
		"VA 262209 O1\r\n",
		"VA 5O1\r\n",
		"VA 5 O\r\n",
		"VA 5 Ox\r\n",
		"VA 5 O1x\r\n",
		"VA 5 O9999999999\r\n",
		"HD O1\n",
		"HDO1\r\n",
		"ERROR\r\n",
		"CLIENT_ERROR bad\r\n",
		"HTTP/1.1 400 Bad Request\r\n",
		"END\r\n",
		"VALUE a 0 5\r\n",
		"va 5 O1\r\n",
		"MN\r\n",
	};
	struct wire_reply reply;
	char line[WIRE_LINE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse(wrong[i], &reply) > 0)
			fail_msg("taken: %s", wrong[i]);
	/* a line that does not end */
	memset(line, 'V', sizeof(line));
	assert_int_equal(wire_parse(line, WIRE_LINE_MAX - 1, &reply), 0);
	assert_true(wire_parse(line, WIRE_LINE_MAX, &reply) < 0);
	assert_int_equal(wire_parse(line, 0, &reply), 0);
}

/* Each beginning of an answer is one that needs more. */
static void answers_may_come_in_pieces(void **state)
{
	static const char text[] = "VA 262184 O12 W\r\n";
	struct wire_reply reply;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(wire_parse(text, n, &reply), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_what_memcached_reads),
		cmocka_unit_test(answers_are_understood),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(answers_may_come_in_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
