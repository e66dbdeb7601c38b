/* SPDX-License-Identifier: MIT */
/*
 * Completions for shells, made from the tables of options, for scripts/gen-man. Letters and texts
 * of options are those of the help texts.
 */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

void completion_options(void);	    /* "COMMAND --OPTION" for each */
void completion_bash_options(void); /* elements of an associative array: command to options */
void completion_bash_values(void);  /* command:option to what follows it */
void completion_bash_operands(void);
void completion_zsh_commands(void);
void completion_zsh(void); /* branches of a `case` for each command */
void completion_fish(void);

#endif
