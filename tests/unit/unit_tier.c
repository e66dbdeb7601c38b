/* SPDX-License-Identifier: MIT */
/* The tier without servers: the choice of a server, sealed values, secrets, names, dropped puts, comparisons. */
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stats.h"
#include "core/origin/file.h"
#include "core/tier/derive.h"
#include "core/tier/link.h"
#include "core/tier/proof.h"
#include "core/tier/seal.h"
#include "core/tier/servers.h"
#include "core/tier/setup.h"
#include "core/tier/tier.h"
#include "core/tier/wire.h"
#include "unit/unit.h"

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

/* Make an empty file of the name that `path` is a template of; returns it. */
static const char *key_place(char *path)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	return path;
}

static void key_write(const char *path, const void *bytes, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

/* Nobody may take an old value for a new one, because the number cannot be had. */
static void epochs_that_are_unread_are_refused(void **state)
{
	struct rawcache_options options = {
		.tier = "10.0.0.1:1", .tier_name = "", .library_open = dlopen, .library_find = dlsym
	};
	static struct setup setup;
	char path[] = "/tmp/unit_tier.XXXXXX", epoch[64], full[sizeof(setup.raised)];
	const char *why;

	(void)state;
	options.tier_key = key_place(path);
	memset(full, '1', sizeof(full));
	key_write(path, full, SEAL_SECRET, 0600);
	snprintf(epoch, sizeof(epoch), "%s.epoch", path);
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	key_write(epoch, "", 0, 0644);
	assert_int_equal(setup_read(&options, &setup, &why), -EACCES);
	key_write(epoch, "x\n", 2, 0644);
	assert_int_equal(setup_read(&options, &setup, &why), -EACCES);
	key_write(epoch, full, sizeof(full), 0644);
	assert_int_equal(setup_read(&options, &setup, &why), -EACCES);
	unlink(epoch);
	assert_int_equal(symlink(epoch, epoch), 0);
	assert_int_equal(setup_read(&options, &setup, &why), -EACCES);
	unlink(epoch);
	unlink(path);
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

	(void)state;
	options.tier_key = key_place(path);
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
	/* data sets that were raised alone */
	key_write(epoch, "4\n2 y\n7 xy\n", 11, 0644);
	assert_int_equal(setup_read(&options, &setup, &why), 0);
	assert_int_equal(setup_find(&setup, "/mnt/a/b/file")->epoch, 6);
	assert_int_equal(setup_find(&setup, "/mnt/a/file")->epoch, 4);
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

/* A child that gave back a lease of its parent's would have more of them in use than any limit, for ever. */
static void leases_are_not_a_fork_childs(void **state)
{
	struct tier_ask ask = { .won = true, .reads = true, .put = true };

	(void)state;
	link_leases = 0;
	tier_fork_child();
	tier_fork_ask(&ask);
	tier_forget(&ask);
	assert_int_equal(link_leases, 0);
	assert_false(ask.reads);
}

/* Who stores a chunk does not wait for a server that takes none: what is too much is dropped, and counted. */
static void too_many_puts_are_dropped(void **state)
{
	static struct rawcache_stats counted;
	static struct link_call *calls[1000];
	static char chunk[4096];
	struct tier_ask ask = { .put = true };
	size_t n = 0;

	(void)state;
	while (n < 1000 && (calls[n] = link_call_new(0)))
		n++;
	assert_in_range(n * sizeof(**calls), 31 << 20, 32 << 20);
	stats_mine = &counted;
	tier_put(&ask, chunk, sizeof(chunk));
	stats_mine = NULL;
	assert_int_equal(counted.tier_put_dropped, 1);
	assert_int_equal(counted.tier_puts, 0);
	assert_false(ask.put);
	while (n)
		link_call_free(calls[--n]);
	calls[0] = link_call_new(0);
	assert_non_null(calls[0]);
	link_call_free(calls[0]);
}

static uint32_t compared(struct file *file, uint32_t chunks, struct tier_ask *last)
{
	static const char chunk[64];
	uint32_t n = 0;

	for (uint32_t i = 0; i < chunks; i++) {
		struct tier_ask ask = { 0 };

		if (proof_use(file, &ask, chunk, sizeof(chunk), 0) != PROOF_READ)
			continue;
		assert_true(ask.compare);
		*last = ask;
		n++;
	}
	return n;
}

/* One chunk in 256 comes from the origin, too; if that has other bytes, no more of the file comes from the tier. */
static void some_chunks_are_compared(void **state)
{
	struct file file = { .size = UINT64_C(1) << 30, .tier.state = TIER_PROVEN };
	static const char same[64], other[64] = "other";
	struct tier_ask ask = { 0 };

	(void)state;
	assert_int_equal(compared(&file, 512, &ask), 2);
	assert_true(proof_end(&file, &ask, same, sizeof(same), true));
	assert_int_equal(compared(&file, 256, &ask), 1);
	assert_false(proof_end(&file, &ask, other, sizeof(other), true));
	assert_int_equal(file.tier.state, TIER_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_servers_are_checked),
		cmocka_unit_test(keys_stay_where_they_are),
		cmocka_unit_test(values_open_under_their_own_key_only),
		cmocka_unit_test(epochs_that_are_unread_are_refused),
		cmocka_unit_test(secrets_and_names_are_checked),
		cmocka_unit_test(nfs_mounts_have_names),
		cmocka_unit_test(leases_are_not_a_fork_childs),
		cmocka_unit_test(too_many_puts_are_dropped),
		cmocka_unit_test(some_chunks_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
