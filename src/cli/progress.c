/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/text.h"

#define STEP_MS 200 /* five lines a second: a number that changes faster cannot be read */

void progress_begin(struct progress *progress, const char *what, bool bytes)
{
	*progress = (struct progress){
		.what = what,
		.bytes = bytes,
		.terminal = isatty(STDERR_FILENO),
		.start = clock_coarse_ms(),
	};
}

static void rest_print(uint64_t ms, uint64_t rest, uint64_t moved)
{
	uint64_t seconds = (uint64_t)((double)rest / (double)moved * (double)ms / 1000);

	if (seconds >= 3600)
		fprintf(stderr, ", %llu:%02llu:%02llu left", (unsigned long long)(seconds / 3600),
			(unsigned long long)(seconds / 60 % 60),
			(unsigned long long)(seconds % 60));
	else
		fprintf(stderr, ", %llu:%02llu left", (unsigned long long)(seconds / 60),
			(unsigned long long)(seconds % 60));
}

static void progress_line_print(const struct progress *progress, uint64_t ms, uint64_t done,
				uint64_t total, uint64_t moved)
{
	char a[TEXT_LENGTH];
	char b[TEXT_LENGTH];

	fprintf(stderr, "\r\033[K%3u%% %s",
		total ? (unsigned int)(100.0 * (double)done / (double)total) : 100u,
		progress->what);
	if (progress->bytes)
		fprintf(stderr, ", %s of %s", text_bytes(done, a), text_bytes(total, b));
	if (progress->bytes && ms)
		fprintf(stderr, ", %s/s", text_bytes(moved * 1000 / ms, a));
	if (ms && moved && total > done)
		rest_print(ms, total - done, moved);
}

void progress_step(struct progress *progress, uint64_t done, uint64_t total, uint64_t moved)
{
	uint64_t now = clock_coarse_ms();

	if (!progress->terminal || now < progress->next)
		return;
	progress->next = now + STEP_MS;
	progress->shown = true;
	progress_line_print(progress, now - progress->start, done, total, moved);
}

bool progress_show(void *arg, uint64_t done, uint64_t total)
{
	progress_step(arg, done, total, done);
	return true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
