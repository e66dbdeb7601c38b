/* SPDX-License-Identifier: MIT */
#include "core/tier/derive.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/memory.h"
#include "base/sys.h"
#include "core/origin/mountinfo.h"

/* The path in "host:/export" or "[fe80::1]:/export". */
static const char *export_of(const char *source)
{
	const char *colon = *source == '[' ? strstr(source, "]:/") : strstr(source, ":/");

	if (!colon || colon == source)
		return NULL;
	return strchr(colon, '/');
}

bool derive_words(const struct setup *setup, const char *type, const char *source, const char *root,
		  const char *point, struct setup_name *name)
{
	const char *export = export_of(source);
	int n;

	/* mountinfo has spaces escaped */
	if ((strcmp(type, "nfs") && strcmp(type, "nfs4")) || !export || strpbrk(export, "\\#") ||
	    strpbrk(root, "\\#") || strchr(point, '\\') || strlen(point) < 2 ||
	    strlen(point) >= sizeof(name->directory))
		return false;
	strcpy(name->directory, point);
	n = snprintf(name->prefix, sizeof(name->prefix), "%s%s/", strcmp(export, "/") ? export : "",
		     strcmp(root, "/") ? root : "");
	/* names that users give have no colon */
	return n < (int)sizeof(name->prefix) &&
	       setup_name_set(setup, name, source, (size_t)(export - source));
}

static bool name_same(const struct setup_name *a, const struct setup_name *b)
{
	return !strcmp(a->directory, b->directory) && !strcmp(a->name, b->name) &&
	       !strcmp(a->prefix, b->prefix);
}

#define TRIES 100 /* the owner makes one name in microseconds */

/* The number of the name, which is added; -1: there is no place for it. */
static int32_t name_number(struct setup *setup, const struct setup_name *name)
{
	const struct timespec nap = { .tv_nsec = 10000 };
	static uint32_t busy;
	uint32_t names = load_acquire(&setup->names);
	uint32_t no = 0;
	int32_t number = -1;

	for (uint32_t i = setup->given; i < names; i++)
		if (name_same(&setup->name[i], name))
			return (int32_t)i;
	if (names == SETUP_NAMES)
		return -1;
	/* a fork child may have the lock from a thread that it does not have */
	for (int i = 0; !cas(&busy, &no, 1); i++, no = 0) {
		if (i == TRIES)
			return -1;
		sys_nanosleep(&nap);
	}
	if (load_acquire(&setup->names) == names) {
		setup->name[names] = *name;
		number = (int32_t)names;
		store_release(&setup->names, names + 1);
	}
	store_release(&busy, 0);
	return number < 0 ? name_number(setup, name) : number;
}

/* Derive the name from the mount's line in mountinfo. */
static bool mount_named(const struct setup *setup, int fd, struct setup_name *name)
{
	char *buf = memory_map(MOUNTINFO_BUFFER);
	struct mounted mounted;
	struct statx stx;
	bool named;

	if (!buf)
		return false;
	named = !sys_statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) &&
		mountinfo_find(buf, stx.stx_mnt_id, &mounted) &&
		derive_words(setup, mounted.type, mounted.source, mounted.root, mounted.point,
			     name);
	memory_unmap(buf, MOUNTINFO_BUFFER);
	return named;
}

int32_t derive_name(struct setup *setup, int fd, const char *path)
{
	struct setup_name name;

	memset(&name, 0, sizeof(name));
	return mount_named(setup, fd, &name) && setup_rest(&name, path) ?
		       name_number(setup, &name) :
		       -1;
}
