/* SPDX-License-Identifier: MIT */
/* Numbers that change their meaning: what shim_fds.c and shim_fds_children.c share. */
#ifndef SHIM_FDS_H
#define SHIM_FDS_H

#define BLOCK 4096

extern const char *a, *b;
extern char *bytes_a, *bytes_b;
extern char buf[BLOCK];

/* shim_fds.c */
void result(int good, const char *name);
/* A descriptor of `path` whose position is one block behind the start, in user space. */
int started(const char *path);
/* The next bytes of fd are block `n` of `bytes`. */
int gives(int fd, const char *bytes, int n);

/* shim_fds_children.c */
void in_child(int (*fn)(void), const char *name);
/* daemon() replaces 0 to 2 inside libc; its child tells the result through a pipe. */
int daemon_drops(void);
int login_drops(void);
int forkpty_drops(void);
int exec_all(void);
/* A descriptor number that the table does not reach. */
int large_fd(void);
int unshared_copy(void);
int reopened(void);
int flags_switch(void);

#endif
