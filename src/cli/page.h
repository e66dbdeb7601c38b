/* SPDX-License-Identifier: MIT */
/*
 * A page about a cache: one HTML file that needs nothing else, without a script. What it tells is
 * counted in `stats`; pictures over time come from `history`.
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "cli/history.h"
#include "cli/holdings.h"
#include "cli/outfile.h"

struct page {
	const struct target *target;
	char **argv;		     /* of the program that it is about; NULL: none */
	int code;		     /* its status */
	const char *period;	     /* what time `stats` are of, behind "counted " */
	const struct sample *sample; /* the image and its users at the end */
	struct rawcache_stats stats;
	const struct history *history; /* NULL, or fewer than two points: no pictures over time */
	struct holdings holdings;      /* filled by page_write() */
};

/* Look into the image and write the page. GO_ON or a status; the writer looks at ferror(). */
int page_write(FILE *out, struct page *page);

/* --- page_file.c: looks at the counters and then writes a page about them into a file */

struct page_file {
	const struct target *target;
	struct outfile outfile;
	struct history history;
	struct sample newest;
};

/* See that `path` can be written. GO_ON or a status; owes page_file_close() whatever it returns. */
int page_file_open(struct page_file *file, const struct target *target, const char *path,
		   uint64_t step_ms);
int page_file_look(struct page_file *file);

/*
 * What the counters gained between the first look and the last; after a single look, what they are.
 * `argv` and `code`: the program that ran meanwhile, or NULL.
 */
int page_file_write(struct page_file *file, char **argv, int code);
void page_file_close(struct page_file *file);

/* --- parts of a page */

void page_over_time(FILE *out, const struct page *page); /* page_time.c */
void page_latencies(FILE *out, const struct page *page); /* page_latency.c */
void page_reasons(FILE *out, const struct page *page);	 /* page_lists.c */
void page_holdings(FILE *out, const struct page *page);
void page_processes(FILE *out, const struct page *page);
void page_regions(FILE *out, const struct page *page); /* page_regions.c */

#endif
