/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/command.h"
#include "cli/figures.h"
#include "cli/page.h"

int page_file_open(struct page_file *file, const struct target *target, const char *path,
		   uint64_t step_ms)
{
	int status;

	memset(file, 0, sizeof(*file));
	file->target = target;
	status = history_init(&file->history, step_ms);
	return status == GO_ON ? outfile_open(&file->outfile, path, "the page") : status;
}

int page_file_look(struct page_file *file)
{
	struct sample sample;
	int status = sample_take(file->target, &sample);

	if (status != GO_ON)
		return status;
	sample_free(&file->newest);
	file->newest = sample;
	history_note(&file->history, &sample);
	return GO_ON;
}

int page_file_write(struct page_file *file, char **argv, int code)
{
	const struct history_point *first = &file->history.point[0];
	const struct sample *newest = &file->newest;
	struct page page = { .target = file->target,
			     .argv = argv,
			     .code = code,
			     .sample = newest,
			     .stats = newest->total,
			     .history = &file->history,
			     .period = "since the image was made" };
	char period[64];
	int status;

	if (file->history.count > 1) {
		snprintf(period, sizeof(period), "in %.1f s",
			 (double)(newest->when - first->when) / 1e9);
		page.period = period;
		figures_subtract(&page.stats, &newest->total, &first->stats);
	}
	status = page_write(file->outfile.out, &page);
	return status == GO_ON ? outfile_commit(&file->outfile) : status;
}

void page_file_close(struct page_file *file)
{
	outfile_abandon(&file->outfile);
	sample_free(&file->newest);
	history_fini(&file->history);
}
