/* SPDX-License-Identifier: MIT */
/* The command line. */
#ifndef ORIGIN_OPTIONS_H
#define ORIGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *backing;
	const char *mountpoint;
	const char *log;	   /* NULL: none */
	const char *mount_options; /* NULL, or what -o gave */
	int64_t latency_ns;
	int64_t meta_latency_ns;
	uint64_t bandwidth;
	double attr_timeout;
	double entry_timeout;
	uint64_t max_read;	/* 0: as libfuse and the kernel like it */
	uint64_t max_readahead; /* 0: as the kernel likes it */
	uint64_t inode_fds;	/* 0: half of what the process may have */
	double stale;		/* seconds that attributes are remembered by us */
	int64_t clock_s;	/* times are shown with this added */
	bool stale_open;
	bool seconds;
	bool no_inval;
	bool keep_cache;
	bool direct_io;
	bool foreground;
};

/*
 * Fills @options, which then refer to @argv. Complains on stderr; returns 0, or
 * -EINVAL for a bad command line, or 1 if only help was asked for.
 */
int options_parse(struct options *options, int argc, char **argv);

#endif
