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
#include "base/sys.h"
#include "core/origin/mountinfo.h"

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

static char asked_texts[MOUNTINFO_BUFFER], found_texts[MOUNTINFO_BUFFER];

/* Files of a mount have one key, however the kernel was asked about it. */
static bool mount_compare(void *arg, const struct mount_line *line, uint32_t kind)
{
	int fd = open(line->point, O_PATH | O_CLOEXEC);
	struct mounted asked, found;
	struct statx by_table, unique;
	unsigned int *compared = arg;

	(void)kind;
	if (fd < 0 || sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &by_table) ||
	    sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &unique) ||
	    !(unique.stx_mask & STATX_MNT_ID_UNIQUE) ||
	    !mountinfo_ask(asked_texts, unique.stx_mnt_id, &asked) ||
	    !mountinfo_find(found_texts, by_table.stx_mnt_id, &found)) {
		close(fd);
		return false;
	}
	close(fd);
	assert_string_equal(asked.point, found.point);
	assert_string_equal(asked.root, found.root);
	assert_string_equal(asked.type, found.type);
	assert_string_equal(asked.source, found.source);
	assert_string_equal(asked.device, found.device);
	assert_int_equal(asked.kind, found.kind);
	assert_int_equal(asked.block, found.block);
	assert_int_equal(asked.writable, found.writable);
	assert_true(XXH3_128bits_digest(&asked.state).low64 ==
		    XXH3_128bits_digest(&found.state).low64);
	++*compared;
	return false;
}

static void test_mounts(void **state)
{
	static char lines[MOUNTINFO_BUFFER];
	unsigned int compared = 0;

	(void)state;
	mountinfo_each(lines, mount_compare, &compared);
	if (!compared)
		skip(); /* no kernel before 6.13 */
	print_message("# %u mounts are as the table has them\n", compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_of_proc),
		cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_path_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
