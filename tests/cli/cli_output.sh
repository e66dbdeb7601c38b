#!/bin/bash
# SPDX-License-Identifier: MIT
# What programs read, JSON and Prometheus, is well-formed; an image that is in use.
# shellcheck disable=SC2016,SC2059,SC2181
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

run true 2>/dev/null # makes the image

# --- what programs read

json "stat --json" "$RAWCACHE" stat --json
json "info --json" "$RAWCACHE" info --json
"$RAWCACHE" stat --json >stat.json
"$RAWCACHE" stat --list --json >list.json
python3 "$TOP_SRCDIR/tests/cli/cli_counters.py" 2>err
ok $? "JSON has every counter, reason and latency of the list"
"$RAWCACHE" stat --watch 0.05 --count 3 --json >out 2>err
[ "$(wc -l <out)" = 3 ] && python3 -c 'import json; [json.loads(l) for l in open("out")]' 2>>err
ok $? "stat --watch --json prints a document per line"
works "stat --watch" 0 "^TIME" "$RAWCACHE" stat --watch 0.05 --count 2
[ "$(wc -l <out)" = 3 ]
ok $? "one line per interval"
"$RAWCACHE" stat --prometheus >out
awk '/^# TYPE/ { type[$3] = $4; next }
	/^#/ { next }
	{ name = $1; sub(/{.*/, "", name)
	  base = name; sub(/_(bucket|count)$/, "", base)
	  if (!(name in type) && type[base] != "histogram") { print "#   no TYPE: " $0; bad = 1 }
	  if ($NF !~ /^[0-9]+(\.[0-9]+)?$/) { print "#   no number: " $0; bad = 1 } }
	END { exit bad }' out
ok $? "Prometheus text has a type for every sample"
bad=0
for name in $("$RAWCACHE" stat --list | awk 'NR > 1 && !/^passthrough/ && !/_latency/ { print $1 }'); do
	case $name in *_us) name=${name%_us}_seconds ;; esac
	grep -q "^rawcache_${name}_total [0-9]" out || bad=1
done
ok $bad "and every counter"

# --- an image in use

echo hello >data/file
run tail -f data/file >out 2>err &
child=$!
for _ in $(seq 100); do
	"$RAWCACHE" stat -p | grep -q tail && break
	sleep 0.05
done
works "stat --per-process names who uses the image" 0 "^ *$child tail " "$RAWCACHE" stat --per-process
json "stat --json with a process" "$RAWCACHE" stat --json
python3 -c 'import json; p = json.load(open("out"))["processes"]
assert [(q["pid"], q["command"]) for q in p] == [('$child', "tail")], p
assert "hits" in p[0] and "outside" in p[0]["passthrough"]' 2>err
ok $? "JSON has it too"
refused "format of an image in use" 1 "programs are using it" "$RAWCACHE" format --yes "$image"
refused "format --force of an image in use" 1 "programs are using it" "$RAWCACHE" format --force "$image"
works "verify of an image in use" 0 "extents" "$RAWCACHE" verify
works "drop of an image in use" 0 "^forgot" "$RAWCACHE" drop --yes
kill -9 $child
wait $child 2>/dev/null
works "a process that was killed is gone from the list" 0 "no process" "$RAWCACHE" stat --per-process
done_testing
