/* SPDX-License-Identifier: MIT */
/* Running a program and waiting for it. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

/*
 * Run argv[0] (looked up in PATH) with the present environment. Returns the status that a
 * shell would show: its own, 128 + n when signal n ended it. A negative errno value when it
 * could not be started. Signals that are sent to this process alone are passed on to it; those
 * of the terminal reach it anyway.
 */
int child_run(char **argv);

#endif
