/* SPDX-License-Identifier: MIT */
#include "cli/curses.h"

struct curses curses;

bool curses_load(void)
{
	static const char names[] = CURSES_TABLE(LIBRARY_NAME) "stdscr\0"
							       "LINES\0"
							       "COLS\0";

	return library_load(CURSES_LIBRARY, names, &curses);
}
