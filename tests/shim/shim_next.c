/* SPDX-License-Identifier: MIT */
/*
 * Who calls dlsym() decides what RTLD_NEXT is: next to the program is what was loaded behind it, next to the last
 * library is nothing.
 *
 *	LD_PRELOAD=... shim_next PLUGIN
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int shared_name(void);
int shared_name(void)
{
	return 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	void *plugin = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW);
	void *(*next)(const char *);

	if (!plugin)
		return fail(dlerror());
	*(void **)&next = dlsym(plugin, "plugin_next");
	if (!next)
		return fail("plugin_next");
	if (dlsym(RTLD_DEFAULT, "read") != dlsym(RTLD_NEXT, "read"))
		return fail("the program's next read() is not the default one");
	if (dlsym(plugin, "shared_name") == (void *)shared_name || dlsym(RTLD_NEXT, "shared_name"))
		return fail("shared_name");
	/* in its own scope the plug-in comes first, and nothing with that name behind it */
	if (next("shared_name"))
		return fail("the plug-in's next is the program's");
	if (!next("qsort"))
		return fail("the plug-in's next qsort()");
	return 0;
}
