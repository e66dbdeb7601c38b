/* SPDX-License-Identifier: MIT */
#include "cli/filelist.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/say.h"

static int filelist_file_add(struct filelist *list, const FTSENT *entry)
{
	struct filelist_file *file;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 1024;
		struct filelist_file *grown = realloc(list->file, room * sizeof(*grown));

		if (!grown)
			return say_memory();
		list->file = grown;
		list->room = room;
	}
	file = &list->file[list->count];
	memset(file, 0, sizeof(*file));
	file->path = strdup(entry->fts_accpath);
	if (!file->path)
		return say_memory();
	file->size = (uint64_t)entry->fts_statp->st_size;
	list->bytes += file->size;
	list->count++;
	return GO_ON;
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
	for (size_t i = 0; i < list->count; i++)
		free(list->file[i].path);
	free(list->file);
	memset(list, 0, sizeof(*list));
}
