/* SPDX-License-Identifier: MIT */
/*
 * Files that the dynamic loader maps. It makes its own system calls, so libraries below a cached directory
 * are never served.
 */
#ifndef SHIM_LOADED_H
#define SHIM_LOADED_H

/*
 * Count the loaded files that lie in a cached directory as passed through; attaches for that if needed.
 * Called once, when the program ends: all are loaded only then.
 */
void loaded_count(void);

#endif
