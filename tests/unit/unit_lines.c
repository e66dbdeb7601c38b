/* SPDX-License-Identifier: MIT */
/* Tables of the kernel, line by line, and paths. */
#include "unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/paths.h"
#include "base/proctable.h"

static bool line_keep(void *arg, char *line)
{
	strcat(arg, line);
	strcat(arg, "|");
	return !strcmp(line, "enough");
}

static void test_lines(void **state)
{
	static const struct {
		const char *text, *seen;
		int result;
	} cases[] = {
		{ "", "", 0 },
		{ "one\n\ntwo\n", "one||two|", 0 },
		{ "one\nenough\nmore\n", "one|enough|", LINES_ENOUGH },
		/* the buffer has room for 15 bytes of a line */
		{ "0123456789abcdefghij\nnext\n", "0123456789abcde|next|", -E2BIG },
		{ "a\n0123456789abcdefghijklmnopqrstuvwxyz0123456789\nb\n", "a|0123456789abcde|b|",
		  -E2BIG },
	};
	char buf[16], seen[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = open_or_die(scratch_path("lines"), O_WRONLY | O_CREAT | O_TRUNC);

		assert_int_equal(write(fd, cases[i].text, strlen(cases[i].text)),
				 strlen(cases[i].text));
		close(fd);
		seen[0] = '\0';
		assert_int_equal(
			lines_read(scratch_path("lines"), buf, sizeof(buf), line_keep, seen),
			cases[i].result);
		assert_string_equal(seen, cases[i].seen);
	}
	assert_int_equal(lines_read("/no/such/table", buf, sizeof(buf), line_keep, seen), -ENOENT);
}

static void test_lines_of_proc(void **state)
{
	char mounted[] =
		"36 35 98:0 /root /a\\040b rw,noatime shared:1 - ext4 /dev/x ro,errors=continue";
	char tagless[] = "1 1 0:2 / / rw - rootfs none";
	char broken[] = "36 35 98:0 /root /point rw - ext4";
	struct mount_line mount;
	struct vma vma;

	(void)state;
	assert_true(vma_parse("7f00-7f10 r--p 00001000 103:02 1234      /a b", &vma));
	assert_int_equal(vma.start, 0x7f00);
	assert_int_equal(vma.end, 0x7f10);
	assert_int_equal(vma.device, UINT64_C(0x103) << 32 | 2);
	assert_int_equal(vma.inode, 1234);
	assert_false(vma_parse("", &vma));
	assert_false(vma_parse("7f10-7f10 r--p 0 0:0 0", &vma));
	assert_true(mount_line_parse(mounted, &mount));
	mount_field_unescape(mount.point);
	assert_int_equal(mount.id, 36);
	assert_string_equal(mount.device, "98:0");
	assert_string_equal(mount.root, "/root");
	assert_string_equal(mount.point, "/a b");
	assert_string_equal(mount.point_options, "rw,noatime");
	assert_string_equal(mount.type, "ext4");
	assert_string_equal(mount.source, "/dev/x");
	assert_string_equal(mount.options, "ro,errors=continue");
	assert_true(mount_line_parse(tagless, &mount));
	assert_string_equal(mount.source, "none");
	assert_null(mount.options);
	assert_false(mount_line_parse(broken, &mount));
}

static void test_path_below(void **state)
{
	(void)state;
	assert_true(path_below("/a/b", 4, "/a", 2));
	assert_true(path_below("/a/b", 4, "/a/b", 4));
	assert_true(path_below("/a/b", 4, "/a/", 3));
	assert_true(path_below("/a", 2, "/", 1));
	assert_false(path_below("/ab", 3, "/a", 2));
	assert_false(path_below("/a", 2, "/a/b", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_of_proc),
		cmocka_unit_test(test_path_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
