/* SPDX-License-Identifier: MIT */
/*
 * The loader is asked, not imitated: `ld.so --list PROGRAM` with the preload object in place
 * maps everything the program would have and runs none of it. It is asked once more without the
 * object: libraries that only the object needs say nothing about the program.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/binary.h"
#include "cli/doctor.h"
#include "cli/preload.h"

#define NAMES_SHOWN 6 /* of a dozen letters: a line of 80 columns */

/* Functions that need a hook; those that the preload object has are taken out. */
struct functions {
	const char *name[512];
	size_t count;
};

struct calls {
	const struct functions *functions;
	bool called[512];
	bool plugins; /* calls dlopen() */
};

static const char *const all_functions[] = {
#define LIBC(name) #name,
#include "cli/libc_tbl.h"
#undef LIBC
};
_Static_assert(ARRAY_SIZE(all_functions) <= 512, "functions");

/* --- symbols */

static void function_take_out(void *arg, const char *name)
{
	struct functions *functions = arg;

	for (size_t i = 0; i < functions->count; i++) {
		if (strcmp(functions->name[i], name))
			continue;
		functions->name[i] = functions->name[--functions->count];
		return;
	}
}

static int functions_init(struct functions *functions, const char *object)
{
	struct binary binary;
	int err = binary_open(&binary, object);

	if (err)
		return err;
	memcpy(functions->name, all_functions, sizeof(all_functions));
	functions->count = ARRAY_SIZE(all_functions);
	binary_symbols(&binary, false, function_take_out, functions);
	binary_close(&binary);
	return 0;
}

static void call_note(void *arg, const char *name)
{
	struct calls *calls = arg;

	if (!strcmp(name, "dlopen"))
		calls->plugins = true;
	for (size_t i = 0; i < calls->functions->count; i++)
		if (!strcmp(calls->functions->name[i], name))
			calls->called[i] = true;
}

static void calls_report(const char *path, const struct calls *calls)
{
	char names[256] = "";
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < calls->functions->count; i++) {
		size_t n = strlen(names);

		if (!calls->called[i])
			continue;
		if (shown++ < NAMES_SHOWN)
			snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "",
				 calls->functions->name[i]);
		else
			more++;
	}
	if (more)
		doctor_warn("%s calls %s and %zu more, which are not served", path, names, more);
	else if (shown)
		doctor_warn("%s calls %s, not served", path, names);
	if (calls->plugins)
		doctor_ok("%s loads plugins: those it may open with RTLD_DEEPBIND read the origin",
			  path);
}

static void link_object_look(const char *path, const struct functions *functions)
{
	struct calls calls = { .functions = functions };
	struct binary binary;

	if (binary_open(&binary, path))
		return;
	binary_symbols(&binary, true, call_note, &calls);
	binary_close(&binary);
	calls_report(path, &calls);
}

/* --- the loader's list */

static bool name_begins(const char *path, const char *prefix)
{
	const char *slash = strrchr(path, '/');

	return !strncmp(slash ? slash + 1 : path, prefix, strlen(prefix));
}

/* Whether it is a part of glibc, whose functions the hooks replace, or the preload object. */
static bool is_libc(const char *path)
{
	static const char *const parts[] = { "libc.so.",       "ld-linux",
					     "libm.so.",       "libdl.so.",
					     "libpthread.so.", "librt.so.",
					     "libresolv.so.",  "libutil.so.",
					     "linux-vdso.so",  "librawcache-preload.so" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (name_begins(path, parts[i]))
			return true;
	return false;
}

static void child_list(int out, const char *loader, const char *path, const char *preload)
{
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	setenv("LD_PRELOAD", preload, 1);
	unsetenv("LD_DEBUG");
	execl(loader, loader, "--list", path, (char *)NULL);
	_exit(127);
}

/* Start the loader. Returns a stream of its output, which owes fclose(), and *child to wait for. */
static FILE *loader_start(const char *loader, const char *path, const char *preload, pid_t *child)
{
	FILE *out;
	int fds[2];

	if (pipe(fds))
		return NULL;
	fflush(stdout);
	*child = fork();
	if (!*child)
		child_list(fds[1], loader, path, preload);
	close(fds[1]);
	out = *child < 0 ? NULL : fdopen(fds[0], "r");
	if (!out)
		close(fds[0]);
	return out;
}

struct listing {
	struct doctor *doctor;
	const struct functions *functions;
	void (*take)(struct listing *listing, char *line);
	bool preloaded;
};

/* The path in "name => /path (0x...)" or "/path (0x...)"; NULL: the line is another one. */
static char *line_path(char *line)
{
	char *arrow = strstr(line, " => ");
	char *path = arrow ? arrow + 4 : line;
	char *end;

	while (isspace((unsigned char)*path))
		path++;
	end = strstr(path, " (0x");
	if (!end || *path != '/')
		return NULL;
	*end = '\0';
	return path;
}

/* A line of the list with the object: "name => not found", an error, or the object itself. */
static void line_judge(struct listing *listing, char *line)
{
	const char *path;

	if (strstr(line, "error while loading") || !strncmp(line, "ERROR: ld.so: ", 14)) {
		doctor_fail(listing->doctor, "the loader says: %s", line);
	} else if (strstr(line, " => not found")) {
		doctor_fail(listing->doctor, "a library is missing: %s",
			    line + strspn(line, "\t "));
	} else {
		path = line_path(line);
		if (path && name_begins(path, "librawcache-preload.so"))
			listing->preloaded = true;
	}
}

/* A line of the list without it: a library of the program. */
static void link_line_look(struct listing *listing, char *line)
{
	const char *path = line_path(line);

	if (!path)
		return;
	if (name_begins(path, "liburing.so") || name_begins(path, "libaio.so"))
		doctor_warn("%s submits reads to the kernel itself: those read the origin", path);
	if (!is_libc(path))
		link_object_look(path, listing->functions);
}

static void listing_read(struct listing *listing, FILE *out)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, out) > 0) {
		line[strcspn(line, "\n")] = '\0';
		listing->take(listing, line);
	}
	free(line);
}

/* Ask the loader, with `object` preloaded or, where it is NULL, without ours. */
static void listing_make(struct listing *listing, const char *path, const char *loader,
			 const char *object)
{
	char *preload = preload_compose(object, getenv("LD_PRELOAD"));
	FILE *out = NULL;
	pid_t child;

	if (preload)
		out = loader_start(loader, path, preload, &child);
	free(preload);
	if (!out) {
		doctor_warn("the loader %s cannot be asked: %s", loader, strerror(errno));
		return;
	}
	listing_read(listing, out);
	fclose(out);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static void listing_judge(struct listing *listing, const char *path)
{
	if (listing->preloaded)
		doctor_ok("the loader preloads %s into it", listing->doctor->preload);
	else
		doctor_fail(listing->doctor, "the loader does not preload %s into %s",
			    listing->doctor->preload, path);
}

void doctor_link(struct doctor *doctor, const char *path, const char *loader)
{
	struct functions functions = { .count = 0 };
	struct listing listing = { .doctor = doctor, .functions = &functions };

	if (!*doctor->preload || functions_init(&functions, doctor->preload))
		return;
	link_object_look(path, &functions);
	listing.take = line_judge;
	listing_make(&listing, path, loader, doctor->preload);
	listing.take = link_line_look;
	listing_make(&listing, path, loader, NULL);
	listing_judge(&listing, path);
}
