/* SPDX-License-Identifier: MIT */
/* What was built from what, and what it meets here: the first thing that a report of a fault needs. */
#ifndef CLI_VERSION_H
#define CLI_VERSION_H

/* `rawcache --version`. A status. */
int version_print(void);

#endif
