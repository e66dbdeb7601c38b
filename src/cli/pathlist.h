/* SPDX-License-Identifier: MIT */
/*
 * The list of directories for RAWCACHE_PATHS: "DIR:!DIR:...", canonical, because the shim
 * compares it with the canonical names that the kernel tells.
 */
#ifndef CLI_PATHLIST_H
#define CLI_PATHLIST_H

#include <stdbool.h>
#include <stddef.h>

struct pathlist {
	char *text; /* NULL: empty */
	size_t included;
};

/*
 * Add a directory; `origin` (an option or variable) appears in complaints. GO_ON or a status.
 * One that is in the list already is not added again.
 */
int pathlist_add(struct pathlist *list, const char *dir, bool exclude, const char *origin);

/* Add all entries of a list such as the environment has. */
int pathlist_add_list(struct pathlist *list, const char *text, const char *origin);

void pathlist_fini(struct pathlist *list);

#endif
