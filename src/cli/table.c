/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <libsmartcols.h>

#include "cli/command.h"
#include "cli/library.h"
#include "cli/say.h"
#include "cli/text.h"

#define SMARTCOLS_LIBRARY "libsmartcols.so.1"
/* clang-format off */
#define SMARTCOLS_TABLE(X) \
	X(scols_new_table) X(scols_table_enable_noheadings) X(scols_table_new_column) X(scols_table_new_line) \
	X(scols_line_refer_data) X(scols_print_table) X(scols_unref_table)
/* clang-format on */

static struct {
	SMARTCOLS_TABLE(LIBRARY_POINTER)
} smartcols;

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t cell;
	bool failed;
};

struct table *table_new(const struct table_column *columns, size_t count, bool headings)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	if (library_load(SMARTCOLS_LIBRARY, SMARTCOLS_TABLE(LIBRARY_NAME), &smartcols))
		table->scols = smartcols.scols_new_table();
	if (!table->scols) {
		free(table);
		return NULL;
	}
	smartcols.scols_table_enable_noheadings(table->scols, !headings);
	for (size_t i = 0; i < count; i++)
		if (!smartcols.scols_table_new_column(
			    table->scols, columns[i].heading, 0,
			    columns[i].align == TABLE_RIGHT ? SCOLS_FL_RIGHT : 0))
			table->failed = true;
	return table;
}

void table_line(struct table *table)
{
	if (!table)
		return;
	table->line = smartcols.scols_table_new_line(table->scols, NULL);
	table->cell = 0;
	table->failed |= !table->line;
}

void table_cell(struct table *table, const char *format, ...)
{
	va_list ap;
	char *text;
	int n;

	if (!table || !table->line)
		return;
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n >= 0)
		text_clean(text);
	/* smartcols owns the text from here */
	if (n < 0 || smartcols.scols_line_refer_data(table->line, table->cell++, text))
		table->failed = true;
}

void table_cell_bytes(struct table *table, uint64_t bytes, bool exact)
{
	char text[TEXT_LENGTH];

	if (exact)
		table_cell(table, "%llu", (unsigned long long)bytes);
	else
		table_cell(table, "%s", text_bytes(bytes, text));
}

int table_print(struct table *table)
{
	bool failed;

	if (!smartcols.scols_new_table)
		return library_refuse("a table", SMARTCOLS_LIBRARY);
	failed = !table || table->failed || smartcols.scols_print_table(table->scols);

	if (table) {
		smartcols.scols_unref_table(table->scols);
		free(table);
	}
	return failed ? say_refusal("there is not enough memory for the table") : STATUS_OK;
}
