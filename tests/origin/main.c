/* SPDX-License-Identifier: MIT */
/*
 * origin: a pass-through FUSE file system that is slow and faulty on demand.
 *
 * Life of the process: options, checks that need a terminal to complain to, mount,
 * daemonize (the parent leaves once the mount stands), one thread that waits for
 * signals, and libfuse's workers until the mount goes away or a signal comes.
 * Threads start only after the fork.
 *
 * A worker that sleeps is a worker gone, so there are as many as there may be
 * requests: libfuse starts them on demand, and MAX_WORKERS is out of reach.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fuse_api.h"
#include "node.h"
#include "ops.h"
#include "options.h"
#include "pace.h"
#include "readlog.h"
#include "request.h"
#include "view.h"
#include "wait.h"

#define MAX_WORKERS 4096
/* The kernel's default of 12 read-ahead requests at a time would be the limit. */
#define MAX_BACKGROUND 1024

/* What libfuse complained of, piece by piece, for the one message that we print. */
static char complaint[512];

__attribute__((format(printf, 2, 0))) static void complaint_keep(enum fuse_log_level level,
								 const char *fmt, va_list ap)
{
	size_t len = strlen(complaint);

	if (level > FUSE_LOG_ERR)
		return;
	vsnprintf(complaint + len, sizeof(complaint) - len, fmt, ap);
	for (char *c = complaint + len; *c; c++)
		if (*c == '\n')
			*c = ' ';
}

static void ops_init(void *userdata, struct fuse_conn_info *conn)
{
	const struct options *options = userdata;

	/* We run with CAP_FSETID: only the kernel can clear set-uid bits on write. */
	conn->want &= ~(unsigned int)FUSE_CAP_HANDLE_KILLPRIV;
	if (options->no_inval)
		conn->want &= ~(unsigned int)FUSE_CAP_AUTO_INVAL_DATA;
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND;
	if (options->max_read)
		conn->max_read = (unsigned int)options->max_read;
	if (options->max_readahead)
		conn->max_readahead = (unsigned int)options->max_readahead;
}

/* Gets as many descriptors as may be had; their number. */
static size_t raise_file_limit(void)
{
	struct rlimit limit;
	unsigned long most;
	FILE *f = fopen("/proc/sys/fs/nr_open", "re");

	/* Beyond the hard limit, if we may. */
	if (f && fscanf(f, "%lu", &most) == 1) {
		limit.rlim_cur = limit.rlim_max = most;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (f)
		fclose(f);
	if (getrlimit(RLIMIT_NOFILE, &limit))
		return 1024;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}

/* The absolute path of the directory @path, into @absolute[PATH_MAX]. */
static int resolve_directory(const char *path, char *absolute)
{
	struct stat st;

	if (realpath(path, absolute) && !stat(absolute, &st)) {
		if (S_ISDIR(st.st_mode))
			return 0;
		errno = ENOTDIR;
	}
	fprintf(stderr, "origin: %s: %s\n", path, strerror(errno));
	return -1;
}

/*
 * Makes the mount point absolute: the daemon unmounts it from "/". Refuses a mount
 * inside its own backing directory, which would serve itself without end.
 */
static int resolve_paths(struct options *options)
{
	static char mountpoint[PATH_MAX];
	char backing[PATH_MAX];
	size_t len;

	if (resolve_directory(options->backing, backing) ||
	    resolve_directory(options->mountpoint, mountpoint))
		return -1;
	len = strlen(backing);
	if (!strcmp(backing, "/") ||
	    (!strncmp(backing, mountpoint, len) && mountpoint[len] == '/')) {
		fprintf(stderr, "origin: %s lies inside %s\n", mountpoint, backing);
		return -1;
	}
	options->mountpoint = mountpoint;
	return 0;
}

/* Opens what is named on the command line: the daemon works from "/". */
static int open_paths(const struct options *options)
{
	int fd = open(options->backing, O_PATH | O_DIRECTORY | O_CLOEXEC);
	size_t limit;
	int err;

	if (fd < 0) {
		fprintf(stderr, "origin: %s: %s\n", options->backing, strerror(errno));
		return -1;
	}
	limit = raise_file_limit();
	/* The other half is for files that programs have open. */
	node_init(fd, options->inode_fds ? options->inode_fds : limit / 2);
	err = options->log ? readlog_open(options->log) : 0;
	if (err)
		fprintf(stderr, "origin: %s: %s\n", options->log, strerror(-err));
	return err;
}

static struct fuse_session *session_new(struct options *options)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_lowlevel_ops ops = { .init = ops_init };
	struct fuse_session *session;
	char max_read[32];

	ops_meta_register(&ops);
	ops_xattr_register(&ops);
	ops_name_register(&ops);
	ops_dir_register(&ops);
	ops_file_register(&ops);
	fuse_opt_add_arg(&args, "origin");
	fuse_opt_add_arg(&args, "-ofsname=rawcache-origin,subtype=origin,default_permissions");
	if (geteuid() == 0)
		fuse_opt_add_arg(&args, "-oallow_other");
	if (options->max_read) {
		snprintf(max_read, sizeof(max_read), "-omax_read=%llu",
			 (unsigned long long)options->max_read);
		fuse_opt_add_arg(&args, max_read);
	}
	if (options->mount_options) {
		fuse_opt_add_arg(&args, "-o");
		fuse_opt_add_arg(&args, options->mount_options);
	}
	session = fuse_session_new(&args, &ops, sizeof(ops), options);
	fuse_opt_free_args(&args);
	return session;
}

static struct fuse_session *session_mount(struct options *options)
{
	struct fuse_session *session;

	fuse_set_log_func(complaint_keep);
	session = session_new(options);
	if (session && !fuse_session_mount(session, options->mountpoint))
		return session;
	fprintf(stderr, "origin: cannot mount on %s: %s\n", options->mountpoint,
		*complaint ? complaint : "no reason given");
	if (session)
		fuse_session_destroy(session);
	return NULL;
}

struct signal_watch {
	struct fuse_session *session;
	pthread_t main_thread;
	sigset_t set;
};

static void wake_up(int sig)
{
	(void)sig;
}

/*
 * Ends the session when a signal asks for it. The main thread sleeps in libfuse,
 * which looks at the exit flag only when a signal interrupts it there, and may
 * just be about to fall asleep: so it is woken until it has gone.
 */
static void *signal_watch(void *arg)
{
	struct signal_watch *watch = arg;
	struct timespec pause = { .tv_nsec = 10000000 };
	int sig;

	sigwait(&watch->set, &sig);
	wait_stop();
	fuse_session_exit(watch->session);
	for (;;) {
		pthread_kill(watch->main_thread, SIGUSR1);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* The signals to end on: not those that our parent wants ignored (nohup). */
static void signals_block(sigset_t *set)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (!sigaction(ending[i], NULL, &action) && action.sa_handler != SIG_IGN)
			sigaddset(set, ending[i]);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	action = (struct sigaction){ .sa_handler = wake_up };
	sigaction(SIGUSR1, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int session_serve(struct fuse_session *session)
{
	struct signal_watch watch = { .session = session, .main_thread = pthread_self() };
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	pthread_t thread;
	int err;

	if (!config)
		return -ENOMEM;
	fuse_loop_cfg_set_max_threads(config, MAX_WORKERS);
	signals_block(&watch.set);
	err = -pthread_create(&thread, NULL, signal_watch, &watch);
	if (!err) {
		err = fuse_session_loop_mt(session, config);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	fuse_loop_cfg_destroy(config);
	return err;
}

int main(int argc, char **argv)
{
	struct options options;
	struct fuse_session *session;
	int err = options_parse(&options, argc, argv);

	if (err)
		return err < 0 ? 2 : 0;
	/* What a script has open (a lock, a pipe) is not for the daemon to keep. */
	if (!options.foreground)
		close_range(3, UINT_MAX, 0);
	if (resolve_paths(&options) || open_paths(&options) || wait_init())
		return 1;
	request_init();
	view_init(&options);
	/* Fractions of a millisecond are lost in the default slack of 50 us. */
	prctl(PR_SET_TIMERSLACK, 1);
	pace_set_latency(PACE_READ, options.latency_ns);
	pace_set_latency(PACE_META, options.meta_latency_ns);
	pace_set_bandwidth(options.bandwidth);
	session = session_mount(&options);
	if (!session)
		return 1;
	err = fuse_daemonize(options.foreground);
	if (!err)
		err = session_serve(session);
	fuse_session_unmount(session);
	fuse_session_destroy(session);
	node_fini();
	readlog_close();
	return err ? 1 : 0;
}
