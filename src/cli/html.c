/* SPDX-License-Identifier: MIT */
#include "cli/html.h"

#include <stdarg.h>
#include <string.h>

#include "cli/text.h"

static const char *escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	default:
		return (unsigned char)c < 0x20 || c == 0x7f ? "?" : NULL;
	}
}

void html_text(FILE *out, const char *text)
{
	while (*text) {
		const char *escape = escape_of(*text);
		size_t n = text_character(text);

		if (escape)
			fputs(escape, out);
		else if (!n)
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text, 1, n, out);
		text += n ? n : 1;
	}
}

void html_textf(FILE *out, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	html_text(out, text);
}

void svg_open(FILE *out, int width, int height, const char *label)
{
	fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", width, height);
	html_text(out, label);
	fputs("\">\n", out);
}

void svg_close(FILE *out)
{
	fputs("</svg>\n", out);
}

void svg_rect(FILE *out, const char *class, double x, double y, double width, double height,
	      const char *title)
{
	fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
		class, x, y, width, height);
	if (!title) {
		fputs("/>\n", out);
		return;
	}
	fputs("><title>", out);
	html_text(out, title);
	fputs("</title></rect>\n", out);
}

void svg_line(FILE *out, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n",
		class, x1, y1, x2, y2);
}

void svg_text(FILE *out, double x, double y, const char *anchor, const char *text)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
	html_text(out, text);
	fputs("</text>\n", out);
}

void html_card_open(FILE *out, const char *heading, bool wide)
{
	fprintf(out, "<section class=\"card%s\">\n<h2>", wide ? " wide" : "");
	html_text(out, heading);
	fputs("</h2>\n", out);
}

void html_card_close(FILE *out)
{
	fputs("</section>\n", out);
}
