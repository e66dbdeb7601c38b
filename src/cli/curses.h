/* SPDX-License-Identifier: MIT */
/* ncurses, for `rawcache top`: loaded by curses_load(), see library.h. */
#ifndef CLI_CURSES_H
#define CLI_CURSES_H

#define NCURSES_NOMACROS 1 /* functions have addresses */
#include <ncurses.h>
#include <stdbool.h>

#include "cli/library.h"

#define CURSES_LIBRARY "libncursesw.so.6"

/* clang-format off */
#define CURSES_TABLE(X) \
	X(newterm) X(endwin) X(delscreen) X(cbreak) X(noecho) X(keypad) X(set_escdelay) X(curs_set) X(timeout) \
	X(getch) X(erase) X(refresh) X(attron) X(attroff) X(mvaddnstr) X(mvaddch) X(has_colors) X(start_color) \
	X(use_default_colors) X(init_pair) X(COLOR_PAIR)
/* clang-format on */

struct curses {
	CURSES_TABLE(LIBRARY_POINTER)
	/* variables: their addresses */
	WINDOW **screen;
	int *lines, *columns;
};

extern struct curses curses;

bool curses_load(void);

#endif
