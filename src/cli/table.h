/* SPDX-License-Identifier: MIT */
/* Tables on standard output, by libsmartcols. Running out of memory shows in table_print(). */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct table;

enum table_align { TABLE_LEFT, TABLE_RIGHT };

struct table_column {
	const char *heading;
	enum table_align align;
};

/* `headings` false: a list of facts rather than a table. */
struct table *table_new(const struct table_column *columns, size_t count, bool headings);

/* Begin a line. */
void table_line(struct table *table);

/* Fill the next cell of the line. */
void table_cell(struct table *table, const char *format, ...) printf_like(2, 3);

/* The same with a number of bytes: as it is, or rounded and with its unit. */
void table_cell_bytes(struct table *table, uint64_t bytes, bool exact);

/* Print and free. A status. */
int table_print(struct table *table);

#endif
