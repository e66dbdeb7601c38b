/* SPDX-License-Identifier: MIT */
/* The pages of this object that each program touches when it starts. */
#ifndef SHIM_START_PAGES_H
#define SHIM_START_PAGES_H

/* Map them. */
void start_pages(void);

/* Map all code of this object. */
void start_pages_attach(void);

#endif
