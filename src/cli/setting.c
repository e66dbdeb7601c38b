/* SPDX-License-Identifier: MIT */
#include "cli/setting.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "cli/command.h"
#include "cli/say.h"
#include "cli/tierlist.h"

static struct setting {
	int key;
	const char *option, *variable;
	bool given;
} settings[] = {
	{ 'c', "--cache", "RAWCACHE_DEVICE", false },
	{ 's', "--size", "RAWCACHE_SIZE", false },
	{ 't', "--threshold", "RAWCACHE_MMAP_THRESHOLD", false },
	{ 'T', "--ttl", "RAWCACHE_TTL", false },
	{ 'l', "--log", "RAWCACHE_LOG", false },
	{ 'R', "--tier", "RAWCACHE_TIER", false },
};

struct setting *setting_find(int key)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].key == key)
			return &settings[i];
	return NULL;
}

/* An empty variable counts as unset; an option with an empty value is refused. */
int setting_take(struct setting *setting, const char *value)
{
	if (!*value)
		return say_usage("run", "%s is empty; give it a value, or leave it out",
				 setting->option);
	setting->given = true;
	if (setting->key == 'R')
		return tierlist_take("run", value);
	if (setenv(setting->variable, value, 1))
		return say_memory();
	return GO_ON;
}

const char *setting_option(const char *variable)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].given && !strcmp(settings[i].variable, variable))
			return settings[i].option;
	return NULL;
}
