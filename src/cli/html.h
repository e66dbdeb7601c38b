/* SPDX-License-Identifier: MIT */
/* Writing HTML and SVG: a few lines, no library. Text is escaped; names of files may hold anything. */
#ifndef CLI_HTML_H
#define CLI_HTML_H

#include <stdbool.h>
#include <stdio.h>

#include "base/compiler.h"

/* Text between tags or within the double quotes of an attribute. */
void html_text(FILE *out, const char *text);
void html_textf(FILE *out, const char *format, ...) printf_like(2, 3);

/* A drawing of so many units, which are pixels where there is room; `label` says what it shows. */
void svg_open(FILE *out, int width, int height, const char *label);
void svg_close(FILE *out);

/* `title` shows when the pointer rests on it; NULL: none. */
void svg_rect(FILE *out, const char *class, double x, double y, double width, double height,
	      const char *title);
void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2);

/* `anchor`: start, middle or end. */
void svg_text(FILE *out, double x, double y, const char *anchor, const char *text);

/* A heading and its frame; `wide`: of the width of two. */
void html_card_open(FILE *out, const char *heading, bool wide);
void html_card_close(FILE *out);

#endif
