/* SPDX-License-Identifier: MIT */
/* What node.c and node_fd.c know of each other. Called with node_lock held. */
#ifndef ORIGIN_NODE_PRIV_H
#define ORIGIN_NODE_PRIV_H

#include <pthread.h>

#include "node.h"

/* Guards all nodes. Not held while opening anything. */
extern pthread_mutex_t node_lock;

/* node.c: the node of the inode @st, or NULL; dropping references. */
struct node *node_find_locked(const struct stat *st);
void node_unref_locked(struct node *node, uint64_t count);

/* node_fd.c: gives @fd to the node, or closes it if there is one already. */
void node_fd_set_locked(struct node *node, int fd);
void node_fd_close_locked(struct node *node);

/* Whether the descriptor may be closed to save one. */
void node_fd_pin_locked(struct node *node);
void node_fd_unpin_locked(struct node *node);
void node_fd_gone_locked(struct node *node, int gone);

/* Without the lock: opens @name in @parent. An O_PATH descriptor or -errno. */
int node_fd_child(struct node *parent, const char *name, struct stat *st);

void node_fd_init(size_t budget);

#endif
