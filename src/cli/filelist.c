/* SPDX-License-Identifier: MIT */
#include "cli/filelist.h"

#include <errno.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/say.h"

/* Keep the first bytes of a string; *at is where. Returns false if there is no memory. */
static bool text_add(struct filelist *list, const char *text, size_t length, uint32_t *at)
{
	size_t end = list->text_length + length + 1;

	if (end > list->text_room) {
		size_t room = list->text_room ? list->text_room : 65536;
		char *grown;

		while (room < end)
			room *= 2;
		grown = room <= UINT32_MAX ? realloc(list->text, room) : NULL;
		if (!grown)
			return false;
		list->text = grown;
		list->text_room = room;
	}
	*at = (uint32_t)list->text_length;
	memcpy(list->text + *at, text, length);
	list->text[end - 1] = '\0';
	list->text_length = end;
	return true;
}

/* The directory of a path, with its last slash: the one of the file before, in most cases. */
static bool directory_add(struct filelist *list, const char *path, size_t length)
{
	const char *last = list->text ? list->text + list->directory : NULL;

	if (last && strlen(last) == length && !memcmp(last, path, length))
		return true;
	return text_add(list, path, length, &list->directory);
}

static bool file_room(struct filelist *list)
{
	size_t room = list->room ? list->room * 2 : 1024;
	struct filelist_file *grown;

	if (list->count < list->room)
		return true;
	grown = realloc(list->file, room * sizeof(*grown));
	if (!grown)
		return false;
	list->file = grown;
	list->room = room;
	return true;
}

static int filelist_file_add(struct filelist *list, const FTSENT *entry)
{
	const char *path = entry->fts_accpath;
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	struct filelist_file file = { .size = (uint64_t)entry->fts_statp->st_size };

	if (!file_room(list) || !directory_add(list, path, (size_t)(name - path)) ||
	    !text_add(list, name, strlen(name), &file.name))
		return say_memory();
	file.directory = list->directory;
	list->file[list->count++] = file;
	list->bytes += file.size;
	return GO_ON;
}

int filelist_path(const struct filelist *list, const struct filelist_file *file,
		  char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s%s", list->text + file->directory,
			 list->text + file->name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void filelist_unreadable(const char *path, int err)
{
	say_warning("cannot read %s: %s; let this user read it, or leave it out", path,
		    strerror(err));
}

static int entry_add(struct filelist *list, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_F:
		return entry->fts_statp->st_size ? filelist_file_add(list, entry) : GO_ON;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		filelist_unreadable(entry->fts_path, entry->fts_errno);
		list->unreadable++;
		return GO_ON;
	default:
		return GO_ON;
	}
}

int filelist_add(struct filelist *list, const char *path)
{
	char *roots[] = { (char *)path, NULL };
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	const FTSENT *entry;
	int status = GO_ON;

	if (!fts)
		return say_refusal("cannot read %s: %s; name what is there and this user may read",
				   path, strerror(errno));
	while (status == GO_ON && (entry = fts_read(fts)))
		status = entry_add(list, entry);
	fts_close(fts);
	return status;
}

void filelist_fini(struct filelist *list)
{
	free(list->text);
	free(list->file);
	memset(list, 0, sizeof(*list));
}
