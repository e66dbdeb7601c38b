/* SPDX-License-Identifier: MIT */
#include "cli/json.h"

#include "cli/text.h"

void json_init(struct json *json, FILE *out, bool indent)
{
	*json = (struct json){ .out = out, .indent = indent, .first = true };
}

void json_end(struct json *json)
{
	fputc('\n', json->out);
}

static void line_break(struct json *json)
{
	if (!json->indent)
		return;
	fputc('\n', json->out);
	for (unsigned int i = 0; i < json->depth; i++)
		fputs("  ", json->out);
}

static void string_write(FILE *out, const char *s)
{
	fputc('"', out);
	while (*s) {
		size_t n = text_character(s);

		if (!n)
			fputs("\\ufffd", out);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
	fputc('"', out);
}

/* What comes before a value: comma, line break, name. */
static void value_begin(struct json *json, const char *name)
{
	if (!json->first)
		fputc(',', json->out);
	if (json->depth)
		line_break(json);
	json->first = false;
	if (!name)
		return;
	string_write(json->out, name);
	fputs(json->indent ? ": " : ":", json->out);
}

void json_open(struct json *json, const char *name, char bracket)
{
	value_begin(json, name);
	fputc(bracket, json->out);
	json->depth++;
	json->first = true;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (!json->first)
		line_break(json);
	fputc(bracket, json->out);
	json->first = false;
}

void json_number(struct json *json, const char *name, uint64_t value)
{
	value_begin(json, name);
	fprintf(json->out, "%llu", (unsigned long long)value);
}

void json_boolean(struct json *json, const char *name, bool value)
{
	value_begin(json, name);
	fputs(value ? "true" : "false", json->out);
}

void json_string(struct json *json, const char *name, const char *value)
{
	value_begin(json, name);
	string_write(json->out, value);
}

void json_document(struct json *json, FILE *out)
{
	json_init(json, out, true);
	json_open(json, NULL, '{');
	json_number(json, "version", 1);
}

void json_document_end(struct json *json)
{
	json_close(json, '}');
	json_end(json);
}
