/* SPDX-License-Identifier: MIT */
/*
 * The log: lines appended to the file that RAWCACHE_LOG names; none without it. Each line is one write() to
 * a descriptor that is opened for it and closed again, so that the program sees no descriptor of ours.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/compiler.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* `file` is copied; empty or NULL: no log. A trailing '-' gets the process id appended. */
void log_init(const char *file, enum log_level level);

/* Safe in signal handlers as far as vsnprintf is; keeps errno. */
void log_write(enum log_level level, const char *format, ...) printf_like(2, 3);

extern int log_limit; /* -1: no log */

#define log_at(level, ...) \
	do { \
		if (unlikely((int)(level) <= log_limit)) \
			log_write(level, __VA_ARGS__); \
	} while (0)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

#endif
