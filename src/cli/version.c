/* SPDX-License-Identifier: MIT */
#include "cli/version.h"

#include <gnu/libc-version.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "base/compiler.h"
#include "cli/command.h"

static const char commit[] =
#include COMMIT_FILE /* made by the Makefile */
	;

/* Commands that a build can leave out, and what else differs between builds. */
static void features_print(void)
{
	static const char *const names[] = { "top", "doctor", "export" };

	fputs("features:", stdout);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (command_find(names[i]))
			printf(" %s", names[i]);
#ifdef ENABLE_TIER
	fputs(" tier", stdout);
#endif
#ifdef HAVE_MICROHTTPD
	fputs(" microhttpd", stdout);
#endif
#ifdef ENABLE_CRASH_POINTS
	fputs(" crash-points", stdout);
#endif
	putchar('\n');
}

int version_print(void)
{
	struct utsname name;

	printf("rawcache %s\ncommit: %s\n", PACKAGE_VERSION, *commit ? commit : "unknown");
	features_print();
	printf("libc: glibc %s, built with %d.%d\n", gnu_get_libc_version(), __GLIBC__,
	       __GLIBC_MINOR__);
	if (!uname(&name))
		printf("kernel: %s %s %s\n", name.sysname, name.release, name.machine);
	return STATUS_OK;
}
