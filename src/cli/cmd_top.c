/* SPDX-License-Identifier: MIT */
/* rawcache top: the statistics, live, on a terminal. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/curses.h"
#include "cli/option.h"
#include "cli/sample.h"
#include "cli/say.h"
#include "cli/top_view.h"

struct top_options {
	const char *cache;
	uint64_t interval_ms;
};

/* clang-format off */
static const struct option longs[] = {
	{ "cache", required_argument, NULL, 'c' },
	OPTION_PROFILE_ROW,
	{ "interval", required_argument, NULL, 'i' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};
/* clang-format on */

static int top_parse(struct top_options *options, int argc, char **argv)
{
	int status = GO_ON;
	int c;

	while (status == GO_ON && (c = option_next(argc, argv, ":c:i:h", longs)) != -1) {
		if (c == 'c')
			options->cache = optarg;
		else if (c == 'i')
			status = option_seconds(&command_top, "--interval", optarg,
						&options->interval_ms);
		else
			status = option_rest(&command_top, c, argv, longs);
	}
	return status == GO_ON ? option_no_operands(&command_top, argc, argv) : status;
}

static int top_terminal(void)
{
	const char *term = getenv("TERM");

	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb"))
		return GO_ON;
	return say_refusal("top needs a terminal; `rawcache stat --watch 1` prints lines instead");
}

/* False when the user wants to leave. */
static bool key_take(struct top_view *view, int key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 27: /* escape */
		return false;
	case 's':
		view->order = (view->order + 1) % TOP_ORDER_COUNT;
		return true;
	case 'r':
		view->reverse = !view->reverse;
		return true;
	case 'p':
		view->plain = !view->plain;
		return true;
	default:
		return true;
	}
}

/* Handle keys until the interval is over. False when the user wants to leave. */
static bool interval_pass(struct top_view *view, const struct target *target, struct sample *now,
			  const struct sample *before, uint64_t interval_ms)
{
	uint64_t end = clock_mono_ns() / 1000000 + interval_ms;
	uint64_t t;

	while ((t = clock_mono_ns() / 1000000) < end) {
		int key;

		curses.timeout((int)(end - t));
		key = curses.getch();
		if (key == ERR)
			continue;
		if (!key_take(view, key))
			return false;
		top_view_draw(view, target->path, now, before);
	}
	return true;
}

static SCREEN *screen_open(void)
{
	SCREEN *screen = curses.newterm(NULL, stdout, stdin);

	if (!screen)
		return NULL;
	curses.cbreak();
	curses.noecho();
	curses.keypad(*curses.screen, TRUE);
	curses.set_escdelay(25);
	curses.curs_set(0);
	return screen;
}

static void screen_close(SCREEN *screen)
{
	curses.endwin();
	curses.delscreen(screen);
}

/* The counters and the regions. On GO_ON owes sample_free(). */
static int top_look(struct top_view *view, const struct target *target, struct sample *sample)
{
	struct rawcache *cache;
	int status = target_attach(target, TARGET_LOOK, &cache);

	if (status != GO_ON)
		return status;
	holdings_fini(&view->image);
	status = holdings_regions(cache, &view->image);
	rawcache_detach(cache);
	if (status == GO_ON)
		status = sample_take(target, sample);
	if (status == GO_ON)
		history_push(&view->history, sample);
	return status;
}

/* Draw, wait, look again. *before is replaced by the newest sample. GO_ON or a status. */
static int top_loop(struct top_view *view, const struct target *target, uint64_t interval_ms,
		    struct sample *before)
{
	struct sample now;
	bool going;

	top_view_draw(view, target->path, before, before);
	/* the first rates come soon */
	going = interval_pass(view, target, before, before, interval_ms / 4);
	while (going) {
		int status = top_look(view, target, &now);

		if (status != GO_ON)
			return status;
		top_view_draw(view, target->path, &now, before);
		going = interval_pass(view, target, &now, before, interval_ms);
		sample_free(before);
		*before = now;
	}
	return GO_ON;
}

static void top_end(struct top_view *view, struct sample *sample)
{
	sample_free(sample);
	holdings_fini(&view->image);
	history_fini(&view->history);
}

static int top_watch(const struct target *target, uint64_t interval_ms)
{
	struct top_view view = { .order = TOP_BY_BYTES };
	struct sample sample = { 0 };
	SCREEN *screen;
	int status = history_init(&view.history, interval_ms);

	if (status == GO_ON)
		status = top_look(&view, target, &sample);
	if (status != GO_ON) {
		top_end(&view, &sample);
		return status;
	}
	screen = screen_open();
	if (screen) {
		say_hold(true);
		status = top_loop(&view, target, interval_ms, &sample);
		screen_close(screen);
		say_hold(false);
	} else {
		status = say_refusal("the terminal type %s is not known here; "
				     "`rawcache stat --watch 1` prints lines instead",
				     getenv("TERM"));
	}
	top_end(&view, &sample);
	return status == GO_ON ? STATUS_OK : status;
}

static int top_main(int argc, char **argv)
{
	struct top_options options = { .interval_ms = 1000 };
	struct target target;
	int status = top_parse(&options, argc, argv);

	if (status == GO_ON)
		status = top_terminal();
	if (status == GO_ON && !curses_load())
		status = library_refuse("top", CURSES_LIBRARY);
	if (status == GO_ON)
		status = target_open(&target, options.cache);
	if (status != GO_ON)
		return status;
	status = top_watch(&target, options.interval_ms);
	target_close(&target);
	return status;
}

/* clang-format off */
const struct command command_top = {
	.name = "top",
	.run = top_main,
	.options = longs,
	.summary = "watch the cache and its processes live",
	.help =
		"Usage: rawcache top [OPTION]...\n"
		"\n"
		"Watch what the cache does and which processes use it: rates and totals, bars over\n"
		"time, a map of the image's regions. Keys: q leaves, s changes by what the processes\n"
		"are sorted, r reverses the order, p hides the pictures.\n"
		"\n"
		"  -c, --cache IMAGE    image file or block device; default RAWCACHE_DEVICE, else\n"
		"                       ~/.cache/rawcache/cache.img\n"
		"      --profile NAME   with the settings that `rawcache setup NAME` wrote\n"
		"  -i, --interval SECS  time between two looks; default 1\n"
		"  -h, --help           this text\n",
};
/* clang-format on */
