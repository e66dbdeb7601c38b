/* SPDX-License-Identifier: MIT */
#include "base/compiler.h"
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/sys.h"

int log_limit = -1;
static char log_file[512];

at_start void log_init(const char *file, enum log_level level)
{
	if (!file || !*file || strlen(file) >= sizeof(log_file)) {
		log_limit = -1;
		return;
	}
	strcpy(log_file, file);
	log_limit = (int)level;
}

static int log_open(void)
{
	size_t n = strlen(log_file);
	char name[sizeof(log_file) + 16];

	memcpy(name, log_file, n + 1);
	if (name[n - 1] == '-')
		snprintf(name + n, 16, "%d", sys_getpid());
	return sys_openat(AT_FDCWD, name,
			  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
}

/* A write beyond RLIMIT_FSIZE would kill the program. */
static int log_allowed(int fd, size_t n)
{
	struct statx stx;

	return !sys_fstatx(fd, &stx) &&
	       (!S_ISREG(stx.stx_mode) || sys_file_size_allowed(stx.stx_size + n));
}

void log_write(enum log_level level, const char *format, ...)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };
	uint64_t now = clock_real_ns();
	int saved = errno;
	char line[1024];
	va_list ap;
	int n;
	int fd;

	n = snprintf(line, sizeof(line),
		     "%llu.%06llu %d %s: ", (unsigned long long)(now / 1000000000u),
		     (unsigned long long)(now / 1000 % 1000000), sys_getpid(), names[level]);
	va_start(ap, format);
	n += vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, ap);
	va_end(ap);
	if ((size_t)n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	fd = log_open();
	if (fd >= 0) {
		if (log_allowed(fd, (size_t)n))
			sys_write(fd, line, (size_t)n);
		sys_close(fd);
	}
	errno = saved;
}
