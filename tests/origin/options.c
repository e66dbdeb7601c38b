/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

#include "parse.h"

enum {
	OPT_LATENCY = 256,
	OPT_META_LATENCY,
	OPT_BANDWIDTH,
	OPT_ATTR_TIMEOUT,
	OPT_ENTRY_TIMEOUT,
	OPT_KEEP_CACHE,
	OPT_STALE,
	OPT_STALE_OPEN,
	OPT_CLOCK,
	OPT_SECONDS,
	OPT_NO_INVAL,
	OPT_DIRECT_IO,
	OPT_MAX_READ,
	OPT_MAX_READAHEAD,
	OPT_INODE_FDS,
	OPT_LOG
};

static const struct option long_options[] = {
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "meta-latency", required_argument, NULL, OPT_META_LATENCY },
	{ "bandwidth", required_argument, NULL, OPT_BANDWIDTH },
	{ "attr-timeout", required_argument, NULL, OPT_ATTR_TIMEOUT },
	{ "entry-timeout", required_argument, NULL, OPT_ENTRY_TIMEOUT },
	{ "stale", required_argument, NULL, OPT_STALE },
	{ "stale-open", no_argument, NULL, OPT_STALE_OPEN },
	{ "clock", required_argument, NULL, OPT_CLOCK },
	{ "seconds", no_argument, NULL, OPT_SECONDS },
	{ "no-inval", no_argument, NULL, OPT_NO_INVAL },
	{ "keep-cache", no_argument, NULL, OPT_KEEP_CACHE },
	{ "direct-io", no_argument, NULL, OPT_DIRECT_IO },
	{ "max-read", required_argument, NULL, OPT_MAX_READ },
	{ "max-readahead", required_argument, NULL, OPT_MAX_READAHEAD },
	{ "inode-fds", required_argument, NULL, OPT_INODE_FDS },
	{ "log", required_argument, NULL, OPT_LOG },
	{ "foreground", no_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *out)
{
	fputs("usage: origin [options] BACKING MOUNTPOINT\n"
	      "Passes BACKING through at MOUNTPOINT, as slow and faulty as a test wants.\n"
	      "\n"
	      "  --latency=MS          added to every READ (default 0; fractions allowed)\n"
	      "  --meta-latency=MS     added to LOOKUP, GETATTR, OPEN, READDIR (default 0)\n"
	      "  --bandwidth=SIZE      bytes per second of all READs together (0: no limit)\n"
	      "  --attr-timeout=S      how long the kernel caches attributes (default 1.0)\n"
	      "  --entry-timeout=S     how long the kernel caches names (default 1.0)\n"
	      "  --keep-cache          keep a file's page cache when it is opened again\n"
	      "  --no-inval            the kernel keeps it when the attributes change, too\n"
	      "  --stale=S             answer attributes as they were up to S seconds ago\n"
	      "  --stale-open          but not when the file has been opened since\n"
	      "  --clock=S             the server's clock is S seconds ahead (or behind: -S)\n"
	      "  --seconds             times are whole seconds, and ctime is mtime\n"
	      "  --direct-io           no page cache: a short answer is a short read\n"
	      "  --max-read=SIZE       largest READ request\n"
	      "  --max-readahead=SIZE  the kernel's read-ahead (it can only be lowered)\n"
	      "  --inode-fds=N         descriptors for inodes (default: half the limit)\n"
	      "  --log=FILE            append 'inode offset size path' for every READ\n"
	      "  -o OPTIONS            further FUSE mount options, e.g. -o ro\n"
	      "  -f, --foreground      do not go into the background after mounting\n"
	      "  -h, --help            this text\n"
	      "\n"
	      "Sizes take K, M, G, T. MOUNTPOINT/.origin/ has the files stats and control.\n",
	      out);
}

static bool *flag_of(struct options *o, int option)
{
	switch (option) {
	case OPT_KEEP_CACHE:
		return &o->keep_cache;
	case OPT_NO_INVAL:
		return &o->no_inval;
	case OPT_STALE_OPEN:
		return &o->stale_open;
	case OPT_SECONDS:
		return &o->seconds;
	case OPT_DIRECT_IO:
		return &o->direct_io;
	default:
		return &o->foreground;
	}
}

static int option_set(struct options *o, int option, const char *arg)
{
	switch (option) {
	case OPT_LATENCY:
		return parse_ms(arg, &o->latency_ns);
	case OPT_META_LATENCY:
		return parse_ms(arg, &o->meta_latency_ns);
	case OPT_BANDWIDTH:
		return parse_size(arg, &o->bandwidth);
	case OPT_ATTR_TIMEOUT:
		return parse_seconds(arg, &o->attr_timeout);
	case OPT_ENTRY_TIMEOUT:
		return parse_seconds(arg, &o->entry_timeout);
	case OPT_STALE:
		return parse_seconds(arg, &o->stale);
	case OPT_CLOCK:
		return parse_clock(arg, &o->clock_s);
	case OPT_MAX_READ:
		return parse_size(arg, &o->max_read);
	case OPT_MAX_READAHEAD:
		return parse_size(arg, &o->max_readahead);
	case OPT_INODE_FDS:
		return parse_count(arg, &o->inode_fds);
	case OPT_LOG:
		o->log = arg;
		return 0;
	case 'o':
		o->mount_options = arg;
		return 0;
	default:
		*flag_of(o, option) = true;
		return 0;
	}
}

int options_parse(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){ .attr_timeout = 1.0, .entry_timeout = 1.0 };
	while ((option = getopt_long(argc, argv, "fho:", long_options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 1;
		}
		if (option == '?')
			return -EINVAL;
		if (option_set(o, option, optarg)) {
			fprintf(stderr, "origin: bad value '%s'\n", optarg);
			return -EINVAL;
		}
	}
	if (argc - optind != 2) {
		usage(stderr);
		return -EINVAL;
	}
	o->backing = argv[optind];
	o->mountpoint = argv[optind + 1];
	return 0;
}
