/* SPDX-License-Identifier: MIT */
/* The request handlers, by what they work on. */
#ifndef ORIGIN_OPS_H
#define ORIGIN_OPS_H

#include <stdbool.h>

#include "fuse_api.h"
#include "node.h"
#include "options.h"

/* Each fills in its share of the table that libfuse calls. */
void ops_meta_register(struct fuse_lowlevel_ops *ops);
void ops_xattr_register(struct fuse_lowlevel_ops *ops);
void ops_name_register(struct fuse_lowlevel_ops *ops);
void ops_dir_register(struct fuse_lowlevel_ops *ops);
void ops_file_register(struct fuse_lowlevel_ops *ops);

static inline const struct options *ops_options(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/*
 * Looks @name up for the kernel. On success @entry holds one reference more on its
 * node. 0 or -errno.
 */
int ops_entry(fuse_req_t req, struct node *parent, const char *name,
	      struct fuse_entry_param *entry);

/* Sends @entry, or the error; takes the reference back if it cannot be sent. */
void ops_reply_entry(fuse_req_t req, const struct fuse_entry_param *entry, int err);

/* For what /.origin has no answer to: replies @err if @node is virtual. */
static inline bool ops_refuse_virtual(fuse_req_t req, struct node *node, int err)
{
	if (!node_is_virtual(node))
		return false;
	fuse_reply_err(req, err);
	return true;
}

#endif
