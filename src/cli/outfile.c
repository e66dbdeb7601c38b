/* SPDX-License-Identifier: MIT */
#include "cli/outfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/say.h"

static int outfile_refuse(const struct outfile *file, const char *what)
{
	return say_refusal("cannot write %s %s: %s; name a file in a directory that you may write",
			   what, file->path, strerror(errno));
}

/* With the permissions that open() would give: others must be able to read it. */
static FILE *temporary_open(char *name)
{
	mode_t mask = umask(0);
	int fd;

	umask(mask);
	fd = mkstemp(name);
	if (fd < 0)
		return NULL;
	if (fchmod(fd, 0666 & ~mask)) {
		close(fd);
		return NULL;
	}
	return fdopen(fd, "w");
}

int outfile_open(struct outfile *file, const char *path, const char *what)
{
	struct stat st;

	file->out = NULL;
	*file->temporary = '\0';
	if (strlen(path) + sizeof(".XXXXXX") > sizeof(file->path))
		return say_refusal("the name of %s is too long; choose a shorter one", what);
	strcpy(file->path, path);
	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		file->out = fopen(path, "we");
	} else {
		strcpy(file->temporary, path);
		strcat(file->temporary, ".XXXXXX");
		file->out = temporary_open(file->temporary);
	}
	return file->out ? GO_ON : outfile_refuse(file, what);
}

int outfile_commit(struct outfile *file)
{
	int failed = fflush(file->out) || ferror(file->out);

	failed |= fclose(file->out);
	file->out = NULL;
	if (!failed && *file->temporary)
		failed = rename(file->temporary, file->path);
	if (!failed)
		return GO_ON;
	failed = errno;
	if (*file->temporary)
		unlink(file->temporary);
	return say_refusal("cannot write %s: %s; make room there, or name a file elsewhere",
			   file->path, strerror(failed));
}

void outfile_abandon(struct outfile *file)
{
	if (!file->out)
		return;
	fclose(file->out);
	file->out = NULL;
	if (*file->temporary)
		unlink(file->temporary);
}
