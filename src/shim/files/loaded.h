/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic loader maps: it makes its own system calls, so libraries below a cached directory are never
 * served.
 */
#ifndef SHIM_LOADED_H
#define SHIM_LOADED_H

/*
 * Count those that are loaded now and lie in a cached directory as passed through, attaching for that if need be. Once,
 * when the program ends: only then all are there.
 */
void loaded_count(void);

#endif
