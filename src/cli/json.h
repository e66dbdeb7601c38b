/* SPDX-License-Identifier: MIT */
/*
 * Writing JSON: objects within objects, which libsmartcols cannot do. Text that is not UTF-8
 * (names of programs and files need not be) comes out as U+FFFD, so that it always parses.
 *
 *	json_init(&json, stdout, true);
 *	json_open(&json, NULL, '{');
 *	json_number(&json, "version", 1);
 *	json_close(&json, '}');
 *	json_end(&json);
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned int depth;
	bool indent;
	bool first; /* nothing written yet in the innermost bracket */
};

void json_init(struct json *json, FILE *out, bool indent);
void json_end(struct json *json);

/* What a command prints is an object that begins with the version of its form. */
void json_document(struct json *json, FILE *out);
void json_document_end(struct json *json);

/* `name` is NULL inside an array and at the top. */
void json_open(struct json *json, const char *name, char bracket);
void json_close(struct json *json, char bracket);
void json_number(struct json *json, const char *name, uint64_t value);
void json_boolean(struct json *json, const char *name, bool value);
void json_string(struct json *json, const char *name, const char *value);

#endif
