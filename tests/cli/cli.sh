#!/bin/bash
# SPDX-License-Identifier: MIT
# The command: its commands and options, every refusal is one sentence that helps, and nothing is left behind.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

# --- the call itself

refused "no command" 2 "rawcache help" "$RAWCACHE"
refused "unknown command" 2 "did you mean .rawcache format" "$RAWCACHE" fromat
refused "unknown command far from all" 2 "lists them" "$RAWCACHE" frobnicate
refused "unknown option before the command" 2 "unknown option" "$RAWCACHE" --cache x stat
works "--version" 0 "^rawcache [0-9]" "$RAWCACHE" --version
works "--help" 0 "^  format" "$RAWCACHE" --help
commands=$("$RAWCACHE" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  .*/\1/p')
for command in $commands; do
	works "$command --help" 0 "^Usage: rawcache $command" "$RAWCACHE" "$command" --help
	works "help $command" 0 "^Usage: rawcache $command" "$RAWCACHE" help "$command"
	refused "$command with a mistyped option" 2 "did you mean --help" "$RAWCACHE" "$command" --hepl
	refused "$command with an unknown letter" 2 "unknown option -Z" "$RAWCACHE" "$command" -Z
done
works "--version tells what was built" 0 "^features:" "$RAWCACHE" --version
facts='commit: [0-9a-f]{12}(-dirty)?|commit: unknown|libc: glibc [0-9.]+, built with [0-9.]+|kernel: Linux .+'
[ "$(grep -cE "^($facts)\$" out)" = 3 ]
ok $? "and where"
for command in $(echo "$commands" | grep -x -e stat -e top -e info -e verify); do
	refused "$command with an operand" 2 "takes no argument" "$RAWCACHE" "$command" x
	refused "$command --cache without a value" 2 "needs a value" "$RAWCACHE" "$command" --cache
done
for command in info stat verify 'drop --yes' ls du; do
	# shellcheck disable=SC2086
	refused "$command with an empty --cache" 2 "is empty" "$RAWCACHE" $command --cache ''
done
refused "an option with a value too many" 2 "takes no value" "$RAWCACHE" stat --json=1
refused "two forms at once" 2 "exclude each other" "$RAWCACHE" stat --json --prometheus
refused "--count without --watch" 2 "give --watch" "$RAWCACHE" stat --count 2
for seconds in 0 -1 x 1e3 ''; do
	refused "--watch '$seconds'" 2 "not a number of seconds" "$RAWCACHE" stat --watch "$seconds"
done

# --- nothing there yet

refused "stat without an image" 1 "there is no image" "$RAWCACHE" stat
refused "drop without an image" 1 "there is no image" "$RAWCACHE" drop --yes
refused "no home directory" 1 "no home directory" env -u HOME -u XDG_CACHE_HOME "$RAWCACHE" info
works "stat --list needs no image" 0 "^passthrough.outside " "$RAWCACHE" stat --list
json "stat --list --json" "$RAWCACHE" stat --list --json

RAWCACHE=$RAWCACHE "$TOP_SRCDIR/scripts/check-man" 2>err
ok $? "manual pages and completion are up to date"
sed 's/^/# /' err

done_testing
