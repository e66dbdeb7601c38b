/* SPDX-License-Identifier: MIT */
/* The list of commands; `rawcache help` shows them in this order. */
#include <string.h>

#include "cli/command.h"

/* clang-format off */
const struct command *const commands[] = {
	&command_run,
	&command_setup,
	&command_stat,
#ifdef WITH_TOP
	&command_top,
#endif
	&command_info,
	&command_ls,
	&command_du,
	&command_warm,
	&command_format,
	&command_thaw,
	&command_verify,
	&command_drop,
	&command_set,
	&command_explain,
#ifdef WITH_DOCTOR
	&command_doctor,
#endif
	&command_export,
	&command_tier,
	&command_help,
	NULL,
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}
