/* SPDX-License-Identifier: MIT */
/* rawcache explain --names: whether absent names of a directory are remembered, and why not. */
#include "cli/explain_names.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rawcache/embed.h>

#include "base/checked.h"
#include "base/clock.h"
#include "base/paths.h"
#include "base/sys.h"
#include "cli/command.h"
#include "cli/run_frozen.h"
#include "cli/say.h"
#include "cli/table.h"

struct asked_directory {
	char path[PATH_MAX];
	int fd;
	struct statx stx;
	uint64_t changed; /* ns since 1970 */
};

static bool image_shared(const struct target *target)
{
	struct statx stx;

	return !sys_statx(AT_FDCWD, target->path, 0, STATX_MODE, &stx) && stx.stx_mode & 0022;
}

static uint64_t settle_ns(const struct target *target)
{
	return max_u64(target->config.settle_ms, CLOCK_STEP_MS) * UINT64_C(1000000);
}

/* Why the absent names of the directory are not remembered; NULL: they are. */
static const char *reason_of(const struct asked_directory *dir, const struct target *target,
			     const char *paths)
{
	if (!target->config.names)
		return "RAWCACHE_NAMES is 0";
	if (target->config.revalidate_ms == CONFIG_REVALIDATE_SYNC)
		return "RAWCACHE_REVALIDATE=sync asks the server each time";
	if (!paths || paths_match(paths, dir->path) != PATH_INSIDE)
		return "it lies below no configured path";
	if (!(dir->stx.stx_mask & STATX_MNT_ID_UNIQUE))
		return "Linux before 6.8 does not tell mounts apart";
	if (target->config.names == CONFIG_AUTO && !rawcache_names_real(dir->fd))
		return "it is not known whether its mount's directories have real times; "
		       "RAWCACHE_NAMES=1 says so";
	if (image_shared(target))
		return "other users may write the image";
	if (dir->changed + settle_ns(target) > clock_real_ns())
		return "it was changed a moment ago";
	return NULL;
}

static int directory_open(struct asked_directory *dir, const char *name)
{
	if (!realpath(name, dir->path))
		return -errno;
	dir->fd = sys_openat(AT_FDCWD, dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (dir->fd < 0)
		return dir->fd;
	if (sys_fstatx(dir->fd, &dir->stx)) {
		sys_close(dir->fd);
		return -EIO;
	}
	dir->changed = max_u64(sys_timestamp_ns(&dir->stx.stx_mtime),
			       sys_timestamp_ns(&dir->stx.stx_ctime));
	return 0;
}

static void name_fact(struct table *table, const char *name, const char *value)
{
	table_line(table);
	table_cell(table, "%s", name);
	table_cell(table, "%s", value);
}

static int directory_print(const struct asked_directory *dir, const char *reason,
			   const char *frozen)
{
	static const struct table_column columns[] = { { "", TABLE_LEFT }, { "", TABLE_LEFT } };
	struct table *table = table_new(columns, 2, false);
	uint64_t now = clock_real_ns();

	name_fact(table, "directory", dir->path);
	name_fact(table, "names",
		  reason ? "not remembered" : "remembered while its times stay as they are");
	if (reason)
		name_fact(table, "because", reason);
	if (frozen)
		name_fact(table, "frozen", frozen);
	table_line(table);
	table_cell(table, "changed");
	table_cell(table, "%.1f s ago",
		   now > dir->changed ? (double)(now - dir->changed) / 1e9 : 0.0);
	return table_print(table);
}

int explain_names(const struct target *target, const char *paths, struct json *json, char **names)
{
	int worst = STATUS_OK;

	for (char **name = names; *name; name++) {
		struct asked_directory dir;
		const char *reason, *frozen;
		char text[128];
		int err = directory_open(&dir, *name);

		if (err)
			return say_refusal(
				"cannot open %s: %s; name a directory that this user may read",
				*name, strerror(-err));
		reason = reason_of(&dir, target, paths);
		frozen = run_frozen_explain(target, dir.path, text, sizeof(text));
		if (json) {
			json_open(json, NULL, '{');
			json_string(json, "path", dir.path);
			json_boolean(json, "names", !reason);
			json_string(json, "text", reason ? reason : "");
			json_string(json, "frozen", frozen ? frozen : "");
			json_number(json, "changed", dir.changed / 1000000000u);
			json_close(json, '}');
		} else {
			if (name != names)
				putchar('\n');
			directory_print(&dir, reason, frozen);
		}
		sys_close(dir.fd);
		worst = reason ? STATUS_REFUSED : worst;
	}
	return worst;
}
