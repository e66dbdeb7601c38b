/* SPDX-License-Identifier: MIT */
#include "cli/target.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/frozen.h"
#include "cli/command.h"
#include "cli/say.h"

static void variable_warn(void *arg, const char *name, const char *value, const char *why)
{
	(void)arg;
	say_warning("%s=%s %s; its default is used", name, value ? value : "", why);
}

static int choose_default(struct target *target)
{
	target->fallback = true;
	switch (config_default_device(target->path, sizeof(target->path))) {
	case 0:
		return GO_ON;
	case -ENOENT:
		return say_refusal("there is no home directory for the default image; "
				   "name an image with --cache or RAWCACHE_DEVICE");
	default:
		return say_refusal("the path of the default image is too long; "
				   "name an image with --cache or RAWCACHE_DEVICE");
	}
}

int target_choose(struct target *target, const char *cache)
{
	const char *named = cache ? cache : target->config.device;

	if (cache && !*cache) {
		say_refusal("--cache is empty; name an image file or a block device");
		return STATUS_USAGE;
	}
	if (!named || !*named)
		return choose_default(target);
	target->fallback = false;
	if (strlen(named) >= sizeof(target->path))
		return say_refusal("the path of the image is longer than %zu bytes; "
				   "name it by a shorter one",
				   sizeof(target->path) - 1);
	strcpy(target->path, named);
	return GO_ON;
}

int target_open(struct target *target, const char *cache)
{
	int status;

	if (config_load(&target->config, variable_warn, NULL) < 0)
		return say_memory();
	status = target_choose(target, cache);
	if (status != GO_ON)
		target_close(target);
	return status;
}

void target_close(struct target *target)
{
	config_free(&target->config);
}

static int missing(const struct target *target)
{
	return say_refusal("there is no image at %s; `rawcache run` makes one at its first use, "
			   "`rawcache format` makes one now",
			   target->path);
}

/*
 * The image exists but cannot be used; `why` is the library's text. A file that never was an image may be
 * valuable: the user is not advised to overwrite it.
 */
static int unusable(const struct target *target, int err, const char *why)
{
	const char *advice = "";
	struct stat st;

	if (stat(target->path, &st) || (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)))
		advice = "; name an image file or a block device with --cache";
	else if (err == -EMEDIUMTYPE)
		advice = "; name an image with --cache";
	else if (err == -EINVAL)
		advice = "; name another image with --cache, or make a new one there with "
			 "`rawcache format --force`, which destroys what is there";
	else if (err == -EPROTONOSUPPORT)
		advice = "; use that version, name another image with --cache, or make a new one "
			 "there with `rawcache format --force`, which destroys what is there";
	return say_refusal("cannot use the image %s: %s%s", target->path,
			   *why ? why : strerror(-err), advice);
}

/* Attaching returns a number only: look at the image for the text. */
static int unusable_explain(const struct target *target, int err)
{
	struct rawcache_image_info info;
	char why[512] = "";

	rawcache_image_info(target->path, &info, sizeof(info), why, sizeof(why));
	return unusable(target, err, why);
}

bool target_foreign(const struct target *target)
{
	struct stat st;

	return !target->config.shared && !stat(target->path, &st) && !(st.st_mode & 0022) &&
	       st.st_uid && st.st_uid != geteuid();
}

static int distrusted(const struct target *target)
{
	if (target_foreign(target))
		return say_refusal("%s belongs to another user, who could change what you read; "
				   "name an image of your own with --cache, or set "
				   "RAWCACHE_SHARED=1 if you trust them",
				   target->path);
	return say_refusal("other users may write %s and so change what you read; "
			   "`chmod go-w` it, or set RAWCACHE_SHARED=1 if you trust them",
			   target->path);
}

const char *target_runtime_dir(const struct target *target)
{
	return *target->config.runtime_dir ? target->config.runtime_dir : "/dev/shm";
}

static int runtime_failed(const struct target *target, int err)
{
	if (access("/proc/self/fd", X_OK))
		return say_refusal("the cache needs /proc, which is not mounted here: mount it");
	return say_refusal("the runtime segment of %s cannot be made in %s: %s; "
			   "make room there, or name another directory with RAWCACHE_RUNTIME_DIR",
			   target->path, target_runtime_dir(target), strerror(-err));
}

static int attach_failed(const struct target *target, int err, enum rawcache_reason reason)
{
	if (reason == RAWCACHE_REASON_runtime_failed)
		return runtime_failed(target, err);
	switch (-err) {
	case ENOENT:
		return missing(target);
	case EINVAL:
	case EMEDIUMTYPE:
	case EPROTONOSUPPORT:
		return unusable_explain(target, err);
	case EPERM:
		return reason == RAWCACHE_REASON_no_rights ? unusable_explain(target, err) :
							     distrusted(target);
	case EBUSY:
		return say_refusal(
			"%s is in use by processes whose runtime segment cannot be "
			"reached from here; share /dev/shm with them, or set "
			"RAWCACHE_RUNTIME_DIR to a directory that all of them see; if it is "
			"a copy of another image, give it a directory of its own; if they were "
			"started before another version of rawcache was installed, start them again",
			target->path);
	case EAGAIN:
		return say_refusal("all process slots of %s are taken; wait until a process ends",
				   target->path);
	default:
		if (reason == RAWCACHE_REASON_no_image || reason == RAWCACHE_REASON_no_rights ||
		    reason == RAWCACHE_REASON_image_refused)
			return unusable_explain(target, err);
		return say_refusal(
			"cannot use the image %s: %s (%s); name another one with --cache",
			target->path, strerror(-err), rawcache_reason_text(reason));
	}
}

void target_options(const struct config *config, struct rawcache_options *options)
{
	config_to_options(config, options);
	options->library_open = dlopen;
	options->library_find = dlsym;
}

int target_try(const struct target *target, enum target_use use, struct rawcache **cache,
	       enum rawcache_reason *reason)
{
	struct rawcache_options options;

	target_options(&target->config, &options);
	options.device = target->path;
	options.read_only = use == TARGET_LOOK;
	*reason = RAWCACHE_REASON_none;
	return rawcache_attach(&options, cache, reason);
}

static int unwritable(const struct target *target)
{
	if (access(target->path, W_OK) && errno == EACCES)
		return say_refusal(
			"you have no permission to write the image %s, and this changes it; "
			"do it as its owner, or let the owner give you that permission",
			target->path);
	return say_refusal("the image %s is on a read-only device or file system, and this changes "
			   "it; make that writable first",
			   target->path);
}

int target_attach(const struct target *target, enum target_use use, struct rawcache **cache)
{
	enum rawcache_reason reason;
	int err = target_try(target, use, cache, &reason);

	if (err)
		return attach_failed(target, err, reason);
	if (use != TARGET_CHANGE || !rawcache_read_only(*cache))
		return GO_ON;
	rawcache_detach(*cache);
	return unwritable(target);
}

int target_enter(struct target *target, const char *option, enum target_use use,
		 struct rawcache **cache)
{
	int status = target_open(target, option);

	if (status != GO_ON)
		return status;
	status = target_attach(target, use, cache);
	if (status != GO_ON)
		target_close(target);
	return status;
}

void target_leave(struct target *target, struct rawcache *cache)
{
	rawcache_detach(cache);
	target_close(target);
}

int target_frozen_name(const struct target *target, const char *path, char *name, size_t n)
{
	if (!frozen_name(target->path, path, name, n))
		return GO_ON;
	return say_refusal("the image's path is too long; name a shorter one with --cache");
}

static const char *failure_advice(int err)
{
	switch (-err) {
	case EAGAIN:
		return "a process that uses it is stopped: let it go on, and try again";
	case EIO:
		return "look at its disk and at the kernel's log, or make an image elsewhere with `rawcache format`";
	case ENOMEM:
		return "end other programs, or raise the limit (ulimit -v)";
	case EROFS:
		return "have somebody do it who may write it";
	default:
		return "`rawcache info` tells whether it can still be used";
	}
}

int target_failed(const struct target *target, const char *what, int err)
{
	return say_refusal("cannot %s %s: %s; %s", what, target->path, strerror(-err),
			   failure_advice(err));
}

int target_info(const struct target *target, struct rawcache_image_info *info)
{
	char message[512] = "";
	int err = rawcache_image_info(target->path, info, sizeof(*info), message, sizeof(message));

	if (!err)
		return GO_ON;
	if (err == -ENOENT)
		return missing(target);
	return unusable(target, err, message);
}
