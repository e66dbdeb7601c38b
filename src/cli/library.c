/* SPDX-License-Identifier: MIT */
#include "cli/library.h"

#include <dlfcn.h>
#include <string.h>

#include "cli/command.h"
#include "cli/say.h"
#include "cli/text.h"

bool library_load(const char *file, const char *names, void *functions)
{
	void **function = functions;
	void *library;

	if (*function)
		return true;
	text_locale(); /* some of them measure text */
	library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	/* the first one is set last: it says that all are there */
	for (size_t n = library ? strlen(names) + 1 : 0; library && names[n];
	     n += strlen(names + n) + 1)
		if (!(*++function = dlsym(library, names + n)))
			return false;
	*(void **)functions = library ? dlsym(library, names) : NULL;
	return *(void **)functions;
}

int library_refuse(const char *what, const char *file)
{
	return say_refusal("%s needs %s, which cannot be loaded; install it", what, file);
}
