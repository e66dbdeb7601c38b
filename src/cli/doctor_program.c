/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/paths.h"
#include "cli/binary.h"
#include "cli/doctor.h"
#include "cli/interpreter.h"
#include "cli/program.h"

static void program_look(struct doctor *doctor, const char *name, int depth);

static void script_look(struct doctor *doctor, const char *path, int depth)
{
	struct script script;

	if (!script_read(&script, path)) {
		if (!strncmp(script.line, "\177ELF", 4)) {
			doctor_fail(doctor, "%s is a damaged program", path);
			return;
		}
		doctor_warn("%s is neither an ELF program nor a script with #!: a shell runs it",
			    path);
		program_look(doctor, "/bin/sh", depth + 1);
		return;
	}
	if (!script.interpreter) {
		doctor_fail(doctor, "%s names no interpreter in its first line", path);
		return;
	}
	doctor_ok("%s is a script, run by %s", path, script.interpreter);
	program_look(doctor, script.program, depth + 1);
}

/* --- rights */

/* Whether starting it gives it rights that we do not have: then the loader ignores LD_PRELOAD. */
static bool changes_user(const char *path, const struct stat *st)
{
	struct statvfs fs;

	if (!statvfs(path, &fs) && fs.f_flag & ST_NOSUID)
		return false;
	return (st->st_mode & S_ISUID && st->st_uid != geteuid()) ||
	       (st->st_mode & S_ISGID && st->st_mode & S_IXGRP && st->st_gid != getegid());
}

static bool rights_look(struct doctor *doctor, const char *path)
{
	bool capable = getxattr(path, "security.capability", NULL, 0) > 0;
	struct stat st;

	if (stat(path, &st))
		return true;
	if (changes_user(path, &st)) {
		doctor_fail(doctor, "%s is set-%cid: the loader ignores LD_PRELOAD for you", path,
			    st.st_mode & S_ISUID ? 'u' : 'g');
		return false;
	}
	if (capable && geteuid()) {
		doctor_fail(doctor, "%s has file capabilities: the loader ignores LD_PRELOAD",
			    path);
		return false;
	}
	if (st.st_mode & (S_ISUID | S_ISGID))
		doctor_warn("%s is set-%cid: it can be served for you, not for other users", path,
			    st.st_mode & S_ISUID ? 'u' : 'g');
	if (capable)
		doctor_warn("%s has file capabilities: it can be served for root alone", path);
	return true;
}

/* --- ELF programs */

static void static_report(struct doctor *doctor, const char *path, const struct binary *binary)
{
	if (binary->go)
		doctor_fail(doctor,
			    "%s is a Go program without libc: nothing can be put between "
			    "it and the kernel",
			    path);
	else
		doctor_fail(doctor, "%s is static: there is no loader that could preload", path);
}

/* Whether our loader can run it. */
static bool binary_look(struct doctor *doctor, const char *path, const struct binary *binary)
{
	struct binary own;

	if (!binary_open(&own, "/proc/self/exe")) {
		bool other = own.class != binary->class || own.machine != binary->machine;

		binary_close(&own);
		if (other) {
			doctor_fail(doctor,
				    "%s is for another machine or word size than rawcache; "
				    "install rawcache for that",
				    path);
			return false;
		}
	}
	if (!*binary->interpreter) {
		static_report(doctor, path, binary);
		return false;
	}
	if (interpreter_is_musl(binary->interpreter)) {
		doctor_fail(doctor,
			    "%s is linked with musl; the preload object needs glibc: `rawcache "
			    "run` runs it without the cache",
			    path);
		return false;
	}
	if (access(binary->interpreter, X_OK)) {
		doctor_fail(doctor, "%s needs the loader %s, which is missing", path,
			    binary->interpreter);
		return false;
	}
	doctor_ok("%s is dynamically linked", path);
	if (binary->go)
		doctor_warn(
			"%s is a Go program: what its Go code reads comes from the origin; only "
			"its C libraries are served",
			path);
	return true;
}

static void program_file_look(struct doctor *doctor, const char *path, int depth)
{
	struct binary binary;
	int err = binary_open(&binary, path);

	if (err == -ENOEXEC) {
		script_look(doctor, path, depth);
		return;
	}
	if (!rights_look(doctor, path)) {
		if (!err)
			binary_close(&binary);
		return;
	}
	if (err == -EACCES || err == -EPERM) {
		doctor_warn("%s may be executed but not read: cannot look at it", path);
		return;
	}
	if (err) {
		doctor_fail(doctor, "%s cannot be read: %s", path, strerror(-err));
		return;
	}
	if (binary_look(doctor, path, &binary))
		doctor_link(doctor, path, binary.interpreter);
	binary_close(&binary);
}

static void program_look(struct doctor *doctor, const char *name, int depth)
{
	char path[PATH_MAX], real[PATH_MAX];

	if (depth > SCRIPT_DEPTH)
		doctor_fail(doctor, "%s: a script runs a script runs a script: too deep", name);
	else if (program_find(name, path)) /* libraries may be looked for beside the real file */
		program_file_look(doctor, realpath(path, real) ? real : path, depth);
	else if (strchr(name, '/') && !access(name, F_OK))
		doctor_fail(doctor, "%s cannot be executed", name);
	else
		doctor_fail(doctor, "there is no program %s%s", name,
			    strchr(name, '/') ? "" : " in PATH");
}

void doctor_program(struct doctor *doctor, const char *name)
{
	if (list_contains(doctor->target.config.skip, program_base(name)))
		doctor_fail(doctor, "%s is listed in RAWCACHE_SKIP", program_base(name));
	program_look(doctor, name, 0);
}
