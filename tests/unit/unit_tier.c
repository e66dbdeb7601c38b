/* SPDX-License-Identifier: MIT */
/* The tier without servers: the words on the wire, the choice of a server, sealed values, breakers. */
#include <dlfcn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/origin/file.h"
#include "core/shared/cache.h"
#include "core/tier/breaker.h"
#include "core/tier/derive.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/setup.h"
#include "core/tier/tier.h"
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

static void lists_of_servers_are_checked(void **state)
{
	static const char *const wrong[] = { "",
					     ",",
					     "10.0.0.1",
					     "host:11211",
					     "10.0.0.1:",
					     "10.0.0.1:0",
					     "10.0.0.1:65536",
					     "10.0.0.1:1x",
					     "unix:",
					     "unix:relative",
					     "10.0.0.1:1,",
					     "[::1]",
					     ":11211" };
	struct servers servers;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!servers_parse(wrong[i], &servers, &why))
			fail_msg("taken: %s", wrong[i]);
	assert_int_equal(
		servers_parse("10.0.0.1:11211,[fe80::1]:1,unix:/run/m.sock", &servers, &why), 0);
	assert_int_equal(servers.count, 3);
	assert_int_equal(servers.server[1].address.ss_family, AF_INET6);
}

static void key_make(uint8_t key[WIRE_KEY], uint32_t n)
{
	memset(key, 0, WIRE_KEY);
	memcpy(key, &n, sizeof(n));
}

/* Placement does not depend on the order, and a server that goes takes its own keys only. */
static void keys_stay_where_they_are(void **state)
{
	struct servers three, other, two;
	uint32_t had[3] = { 0 };
	uint8_t key[WIRE_KEY];
	const char *why;

	(void)state;
	assert_int_equal(servers_parse("10.0.0.1:1,10.0.0.2:1,10.0.0.3:1", &three, &why), 0);
	assert_int_equal(servers_parse("10.0.0.3:1,10.0.0.1:1,10.0.0.2:1", &other, &why), 0);
	assert_int_equal(servers_parse("10.0.0.1:1,10.0.0.2:1", &two, &why), 0);
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t name;

		key_make(key, i);
		name = three.server[servers_choose(&three, key)].name;
		had[servers_choose(&three, key)]++;
		assert_true(other.server[servers_choose(&other, key)].name == name);
		if (name != three.server[2].name)
			assert_true(two.server[servers_choose(&two, key)].name == name);
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(had[i], 800, 1200);
}

static void values_open_under_their_own_key_only(void **state)
{
	static const struct seal_loader loader = { dlopen, dlsym };
	static const uint8_t secret[SEAL_SECRET] = "a secret of thirty-two bytes ...";
	static char plain[5000], opened[5000], sealed[5000 + SEAL_MORE], again[5000 + SEAL_MORE];
	uint8_t key[WIRE_KEY], other[WIRE_KEY];

	(void)state;
	if (seal_load(&loader, secret))
		skip();
	memset(plain, 'x', sizeof(plain));
	seal_name(key, "one", 3);
	seal_name(other, "two", 3);
	assert_memory_not_equal(key, other, WIRE_KEY);
	assert_true(seal_close(key, plain, sizeof(plain), sealed));
	assert_true(seal_close(key, plain, sizeof(plain), again));
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	assert_true(seal_open(key, sealed, sizeof(plain), opened));
	assert_memory_equal(opened, plain, sizeof(plain));
	assert_false(seal_open(other, sealed, sizeof(plain), opened));
	assert_false(seal_open(key, sealed, sizeof(plain) - 1, opened));
	for (size_t i = 0; i < sizeof(sealed); i += 61) {
		sealed[i] ^= 1;
		assert_false(seal_open(key, sealed, sizeof(plain), opened));
		sealed[i] ^= 1;
	}
	assert_true(seal_open(key, sealed, sizeof(plain), opened));
}

static void a_breaker_counts_what_fails_together_once(void **state)
{
	struct tier_switch breaker = { 0 };
	uint64_t begun = clock_coarse_ms();

	(void)state;
	assert_true(breaker_allows(&breaker));
	for (int i = 0; i < 8; i++)
		breaker_fails(&breaker, begun);
	assert_int_equal(breaker.level, 1);
	assert_false(breaker_allows(&breaker));
	/* an answer to what was asked before it opened tells nothing */
	breaker_works(&breaker, begun);
	assert_false(breaker_allows(&breaker));
	/* its time is over: one is let through */
	breaker.until = clock_coarse_ms();
	assert_true(breaker_allows(&breaker));
	assert_false(breaker_allows(&breaker));
	breaker_fails(&breaker, breaker.since);
	assert_int_equal(breaker.level, 2);
	breaker.until = clock_coarse_ms();
	assert_true(breaker_allows(&breaker));
	breaker_works(&breaker, breaker.since);
	assert_true(breaker_allows(&breaker));
	assert_true(breaker_allows(&breaker));
}

static void a_breaker_opens_for_half_a_minute_at_most(void **state)
{
	struct tier_switch breaker = { 0 };

	(void)state;
	for (int i = 0; i < 20; i++)
		breaker_fails(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 31000, 32000);
	/* a segment may hold anything */
	breaker.until = UINT64_MAX;
	assert_true(breaker_allows(&breaker));
	/* what is late, and may be this machine's fault, begins with an eighth of that, and ends there, too */
	breaker = (struct tier_switch){ 0 };
	breaker_late(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 100, 125);
	for (int i = 0; i < 20; i++)
		breaker_late(&breaker, UINT64_MAX);
	assert_in_range(breaker.until - clock_coarse_ms(), 31000, 32000);
}

static void a_tier_that_is_no_faster_is_seldom_asked(void **state)
{
	static struct tier_state segment;
	struct tier_origin *origin = price_of(&segment, 5);
	int asked = 0;

	(void)state;
	assert_true(price_pays(origin));
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 8000000, 8);
		price_hit(origin, 950000, 1);
		price_miss(origin, 100000, 1);
	}
	for (int i = 0; i < 320; i++)
		asked += price_pays(origin);
	assert_int_equal(asked, 10);
	for (int i = 0; i < 100; i++)
		price_hit(origin, 2400000, 8);
	assert_true(price_pays(origin) && price_pays(origin));
	/* one that took a second says nothing about the others */
	price_hit(origin, 1000000000, 1);
	price_miss(origin, 1000000000, 1);
	assert_true(price_pays(origin) && price_pays(origin));
	/* patience follows the origin */
	for (int i = 0; i < 100; i++)
		price_origin(origin, 40000000, 1);
	assert_in_range(price_patience(origin), 18000000, 24000000);
}

/* Misses come behind other chunks' bytes: what many at once take is not the sum. */
static void misses_are_priced_together(void **state)
{
	static struct tier_state segment;
	struct tier_origin *origin = price_of(&segment, 5);

	(void)state;
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 40000000, 8);
		price_miss(origin, 9600000, 8);
	}
	assert_true(price_pays(origin) && price_pays(origin));
	for (int i = 0; i < 100; i++)
		price_miss(origin, 9600000, 4);
	assert_int_equal(price_pays(origin) + price_pays(origin), 1);
}

/* What a program waits for is asked for now and then, too: else it would never be found out that it pays again. */
static void programs_try_again_what_did_not_pay(void **state)
{
	static struct runtime_header header;
	static struct rawcache cache;
	static char path[] = "/mnt/file";
	static struct file file = { .path = path, .size = 1 << 20 };
	struct tier_origin *origin = price_of(&header.tier, 0);
	int wanted = 0;

	(void)state;
	cache.runtime.header = &header;
	tier_active = true;
	for (int i = 0; i < 100; i++) {
		price_origin(origin, 1000000, 1);
		price_hit(origin, 2000000, 1);
	}
	for (int i = 0; i < 320; i++)
		wanted += tier_wants(&cache, &file) > 0;
	tier_active = false;
	assert_int_equal(wanted, 10);
}

static void late_answers_are_an_exception(void **state)
{
	int spent = 0;

	(void)state;
	while (late_spend())
		spent++;
	assert_int_equal(spent, 32);
	for (int i = 0; i < 100; i++)
		late_earn();
	for (spent = 0; late_spend(); spent++)
		;
	assert_int_equal(spent, 10);
}

static void data_sets_that_differ_are_kept(void **state)
{
	static struct tier_state segment;

	(void)state;
	assert_false(differing(&segment, 7));
	differing_note(&segment, 7);
	assert_true(differing(&segment, 7));
	assert_false(differing(&segment, 9));
	for (uint64_t i = 0; i < TIER_NAMES; i++)
		differing_note(&segment, 100 + i);
	/* there is no place for another: nothing is shared */
	assert_true(differing(&segment, 9));
}

/* A directory of the test's own, and in it the file of the secret. */
static void key_write(const char *path, const void *bytes, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void secrets_and_names_are_checked(void **state)
{
	static const char hex[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	struct rawcache_options options = { .tier = "10.0.0.1:1",
					    .tier_name = "/mnt/a=x:/mnt/a/b/=y",
					    .library_open = dlopen,
					    .library_find = dlsym };
	static struct setup setup;
	char path[] = "/tmp/unit_tier.XXXXXX", epoch[64];
	const char *why;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	options.tier_key = path;
	key_write(path, hex, 65, 0600);
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	assert_int_equal(setup.secret[31], 0x1f);
	assert_string_equal(setup_find(&setup, "/mnt/a/b/file")->name, "y");
	assert_string_equal(setup_rest(setup_find(&setup, "/mnt/a/b/file"), "/mnt/a/b/file"),
			    "file");
	assert_string_equal(setup_find(&setup, "/mnt/a/bc")->name, "x");
	assert_null(setup_find(&setup, "/mnt/ab"));
	snprintf(epoch, sizeof(epoch), "%s.epoch", path);
	key_write(epoch, "4\n", 2, 0644);
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	assert_int_equal(setup.epoch, 4);
	unlink(epoch);
	key_write(path, hex, 65, 0640);
	assert_int_not_equal(setup_read(&options, &setup, &why), 0);
	key_write(path, hex, 63, 0600);
	assert_int_not_equal(setup_read(&options, &setup, &why), 0);
	key_write(path, hex, 32, 0600);
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	options.tier_name = "/mnt/a";
	assert_int_not_equal(setup_read(&options, &setup, &why), 0);
	/* NFS mounts need none */
	options.tier_name = "";
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	assert_null(setup_find(&setup, "/mnt/a/b"));
	unlink(path);
}

/* What a file is called by all machines: its server, and its path there. */
static const char *nfs_name(const char *source, const char *root, const char *point,
			    const char *path)
{
	static struct setup_name name;
	static char text[600];
	struct setup setup = { .epoch = 0 };

	memset(&name, 0, sizeof(name));
	if (!derive_words(&setup, "nfs4", source, root, point, &name) || !setup_rest(&name, path))
		return "none";
	snprintf(text, sizeof(text), "%s|%s%s", name.name, name.prefix, setup_rest(&name, path));
	return text;
}

static void nfs_mounts_have_names(void **state)
{
	struct setup setup = { .epoch = 0 };
	struct setup_name name;

	(void)state;
	assert_string_equal(nfs_name("srv:/export", "/", "/mnt/a", "/mnt/a/x/y"),
			    "srv:|/export/x/y");
	/* mounted deeper, or a part of the mount bound elsewhere */
	assert_string_equal(nfs_name("srv:/export/x", "/", "/other", "/other/y"),
			    "srv:|/export/x/y");
	assert_string_equal(nfs_name("srv:/export", "/x", "/bound", "/bound/y"),
			    "srv:|/export/x/y");
	assert_string_equal(nfs_name("srv:/", "/", "/mnt/all", "/mnt/all/export/x/y"),
			    "srv:|/export/x/y");
	assert_string_equal(nfs_name("[fe80::1]:/e", "/", "/mnt/a", "/mnt/a/y"), "[fe80::1]:|/e/y");
	assert_string_equal(nfs_name("srv:/export", "/", "/mnt/a", "/mnt/ab/y"), "none");
	assert_string_equal(nfs_name("srv", "/", "/mnt/a", "/mnt/a/y"), "none");
	assert_string_equal(nfs_name("srv:/a\\040b", "/", "/mnt/a", "/mnt/a/y"), "none");
	assert_false(derive_words(&setup, "fuse.sshfs", "srv:/export", "/", "/mnt/a", &name));
	assert_false(derive_words(&setup, "ext4", "/dev/sda1", "/", "/mnt/a", &name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_what_memcached_reads),
		cmocka_unit_test(answers_are_understood),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(answers_may_come_in_pieces),
		cmocka_unit_test(lists_of_servers_are_checked),
		cmocka_unit_test(keys_stay_where_they_are),
		cmocka_unit_test(values_open_under_their_own_key_only),
		cmocka_unit_test(a_breaker_counts_what_fails_together_once),
		cmocka_unit_test(a_breaker_opens_for_half_a_minute_at_most),
		cmocka_unit_test(a_tier_that_is_no_faster_is_seldom_asked),
		cmocka_unit_test(misses_are_priced_together),
		cmocka_unit_test(programs_try_again_what_did_not_pay),
		cmocka_unit_test(late_answers_are_an_exception),
		cmocka_unit_test(data_sets_that_differ_are_kept),
		cmocka_unit_test(secrets_and_names_are_checked),
		cmocka_unit_test(nfs_mounts_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
