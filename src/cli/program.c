/* SPDX-License-Identifier: MIT */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/interpreter.h"

const char *program_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_program(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

/* As execvp() does. */
bool program_find(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(path, PATH_MAX, "%s", name);
		return is_program(path);
	}
	for (const char *dir = dirs ? dirs : "/bin:/usr/bin"; dir;) {
		int n = (int)strcspn(dir, ":");

		if (snprintf(path, PATH_MAX, "%.*s%s%s", n, dir, n ? "/" : "", name) < PATH_MAX &&
		    is_program(path))
			return true;
		dir = dir[n] ? dir + n + 1 : NULL;
	}
	return false;
}

/* The program that env(1) runs: the first word that is neither an option nor an assignment. */
static const char *env_program(char *words)
{
	char *save;

	for (char *word = strtok_r(words, " \t", &save); word;
	     word = strtok_r(NULL, " \t", &save)) {
		if (!strncmp(word, "-S", 2) && word[2])
			word += 2;
		if (*word != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

/* "#!interpreter argument" is true. */
static bool program_line_read(const char *path, char line[SCRIPT_LINE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, line, SCRIPT_LINE - 1);

	if (fd >= 0)
		close(fd);
	line[n < 0 ? 0 : n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return !strncmp(line, "#!", 2);
}

bool script_read(struct script *script, const char *path)
{
	const char *program = NULL;
	char *argument;

	script->interpreter = script->program = NULL;
	if (!program_line_read(path, script->line))
		return false;
	script->interpreter = strtok_r(script->line + 2, " \t", &argument);
	if (script->interpreter && !strcmp(program_base(script->interpreter), "env"))
		program = env_program(argument);
	script->program = program ? program : script->interpreter;
	return true;
}

bool program_is_musl(const char *name)
{
	char interpreter[PATH_MAX];
	char path[PATH_MAX];
	struct script script;
	int err;

	for (int depth = 0; name && depth <= SCRIPT_DEPTH; depth++) {
		if (!program_find(name, path))
			return false;
		err = interpreter_find(path, interpreter);
		if (!err)
			return interpreter_is_musl(interpreter);
		if (err != -ENOEXEC || !script_read(&script, path))
			return false;
		name = script.program;
	}
	return false;
}
