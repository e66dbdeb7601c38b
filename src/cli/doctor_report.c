/* SPDX-License-Identifier: MIT */
/* The findings of `rawcache doctor`, as lines or as JSON. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/colour.h"
#include "cli/doctor.h"
#include "cli/json.h"
#include "cli/text.h"

/* All parts write their findings here, one by one. */
static struct report {
	struct json json;
	bool is_json;
} report;

static void finding(const char *kind, enum colour shade, const char *format, va_list ap)
{
	char *text;

	if (vasprintf(&text, format, ap) < 0)
		return;
	text_clean(text);
	if (report.is_json) {
		json_open(&report.json, NULL, '{');
		json_string(&report.json, "kind", kind);
		json_string(&report.json, "text", text);
		json_close(&report.json, '}');
	} else {
		printf("%s%-5s%s%s\n", colour(stdout, shade), kind, colour(stdout, COLOUR_END),
		       text);
	}
	free(text);
}

void doctor_ok(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	finding("ok", COLOUR_GOOD, format, ap);
	va_end(ap);
}

void doctor_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	finding("warn", COLOUR_DOUBTFUL, format, ap);
	va_end(ap);
}

void doctor_fail(struct doctor *doctor, const char *format, ...)
{
	va_list ap;

	doctor->failures++;
	va_start(ap, format);
	finding("fail", COLOUR_BAD, format, ap);
	va_end(ap);
}

void doctor_report_json(void)
{
	report.is_json = true;
}

void doctor_report_begin(const char *program)
{
	if (!report.is_json)
		return;
	json_document(&report.json, stdout);
	json_string(&report.json, "program", program);
	json_open(&report.json, "findings", '[');
}

void doctor_report_end(const struct doctor *doctor)
{
	if (!report.is_json)
		return;
	json_close(&report.json, ']');
	json_number(&report.json, "failures", doctor->failures);
	json_document_end(&report.json);
}
