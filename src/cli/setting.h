/* SPDX-License-Identifier: MIT */
/* The options of `rawcache run` that stand for a variable: they are put into the environment. */
#ifndef CLI_SETTING_H
#define CLI_SETTING_H

struct setting;

/* The one with the value `key` of getopt_long(), or NULL. */
struct setting *setting_find(int key);

/* GO_ON or a status. */
int setting_take(struct setting *setting, const char *value);

/* The option that set the variable, or NULL. */
const char *setting_option(const char *variable);

#endif
