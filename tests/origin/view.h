/* SPDX-License-Identifier: MIT */
/* Attributes as the mount shows them: with another clock, or from a table that is out of date. */
#ifndef ORIGIN_VIEW_H
#define ORIGIN_VIEW_H

#include <sys/stat.h>

#include "node.h"
#include "options.h"

void view_init(const struct options *options);

/* What is shown of @node, or of its entry @name, which has the attributes @st now. */
void view_show(struct node *node, const char *name, struct stat *st);

/* It is opened: a server that looks at its files then does so. */
void view_opened(struct node *node);

#endif
