/* SPDX-License-Identifier: MIT */
/* The hidden directory /.origin, by which tests watch and steer the origin. */
#ifndef ORIGIN_CONTROL_H
#define ORIGIN_CONTROL_H

#include <stdbool.h>

#include "fuse_api.h"
#include "node.h"

#define CONTROL_NAME ".origin"

/* The virtual node that @name in @parent stands for, or NULL. */
struct node *control_find(const struct node *parent, const char *name);

/* Is @name in @parent ours, so that nothing may be made or removed there? */
bool control_guards(const struct node *parent, const char *name);

/*
 * Requests on virtual nodes; each sends its reply. They are not counted, never
 * slow and never fail by injection.
 */
void control_reply_entry(fuse_req_t req, const struct node *node);
void control_getattr(fuse_req_t req, const struct node *node);
void control_setattr(fuse_req_t req, const struct node *node, int to_set);
void control_open(fuse_req_t req, const struct node *node, struct fuse_file_info *fi);
void control_read(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi);
void control_write(fuse_req_t req, const char *buf, size_t size);
void control_release(fuse_req_t req, struct fuse_file_info *fi);
void control_readdir(fuse_req_t req, const struct node *node, size_t size, off_t off, bool plus);

#endif
