/* SPDX-License-Identifier: MIT */
/*
 * What `rawcache doctor` looks at. Each part prints its findings, one line each: ok, warn
 * (works, but less of it is cached), or fail (nothing of it can be cached).
 */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H

#include "base/compiler.h"
#include "cli/target.h"

struct doctor {
	struct target target;
	char preload[PATH_MAX]; /* the preload object; empty: not found */
	unsigned int failures;
};

/* doctor_report.c: a finding. Failures are counted. */
void doctor_ok(const char *format, ...) printf_like(1, 2);
void doctor_warn(const char *format, ...) printf_like(1, 2);
void doctor_fail(struct doctor *doctor, const char *format, ...) printf_like(2, 3);

/* All findings as one JSON document; called first. */
void doctor_report_json(void);
/* Before the first finding, and after the last. */
void doctor_report_begin(const char *program);
void doctor_report_end(const struct doctor *doctor);

/* doctor_program.c: the program, by the name that a shell would look up. */
void doctor_program(struct doctor *doctor, const char *name);

/* doctor_link.c: what the loader does with the ELF program at `path` and its libraries. */
void doctor_link(struct doctor *doctor, const char *path, const char *loader);

/* doctor_system.c: the image, limits, shared memory, the kernel. */
void doctor_system(struct doctor *doctor);

/* doctor_mounts.c: what the mounts of these directories, "DIR:!DIR:...", allow for names. */
void doctor_mounts(const struct doctor *doctor, const char *paths);

/* doctor_tier.c: the machines that share what they have read, if there are any. */
void doctor_tier(struct doctor *doctor);

#endif
