#!/bin/bash
# SPDX-License-Identifier: MIT
# A program's files are opened ahead in the order of its last run, as far as it does the same.
. "$(dirname "$0")/../lib.sh"
need_origin
need python3
mkdir -p "$back"/d{0..9}
for f in $(seq 0 599); do echo "file $f" >"$back/d$((f % 10))/f$f"; done
# the same name in each directory
for d in "$back"/d?; do echo "same in $d" >"$d/same"; done
origin --meta-latency=1
image
export RAWCACHE_OPENAHEAD=1
echo 1 >"$scratch/seed"

# run [CHILDREN]: below the cache, and the same without it
program=$TOP_SRCDIR/tests/shim/openahead_order.py
run() {
	is "$(cached python3 "$program" "$CACHED_PATH" "$scratch/seed" "$@" | sort)" \
		"$(python3 "$program" "$CACHED_PATH" "$scratch/seed" "$@" | sort)" "$what"
}

mark counter opens_ahead
what="a first run in no order" run
is "$(since)" 0 "has nothing opened ahead"
origin_control "$CACHED_PATH" reset
before=$(counter opens_ahead_unused)
what="a second one like it" run
at_least "$(since)" 400 "has its files opened ahead"
at_most $(($(counter opens_ahead_unused) - before)) 61 "few of them in vain"

# the files are others, moved, gone
for f in $(seq 0 9 599); do echo "other $f" >"$back/d$((f % 10))/f$f"; done
for f in $(seq 1 9 599); do mv "$back/d$((f % 10))/f$f" "$back/d0/moved$f"; done
for f in $(seq 2 9 599); do rm "$back/d$((f % 10))/f$f"; done
sleep 1.1
mv "$back/d8" "$back/was8"
ln -s d9 "$back/d8"
sleep 1.1
what="a third one, of a tree that has changed" run

# another order by the same arguments
what="a run in the new tree's order" run
before=$(counter opens_ahead_unused)
echo 2 >"$scratch/seed"
what="and one in another order" run
at_most $(($(counter opens_ahead_unused) - before)) 60 "has few files opened in vain"

mark counter opens_ahead
what="other arguments" run 0
is "$(since)" 0 "are another program's"

# children have orders of their own, by the number of the fork
what="children that read a part each" run 3
mark counter opens_ahead
before=$(counter opens_ahead_unused)
what="again" run 3
at_least "$(since)" 300 "have their files opened ahead"
at_most $(($(counter opens_ahead_unused) - before)) 60 "few of them in vain"

# generations of forks, each of which opens a file: the memory for the orders is one child's
check "a child of a child has no more memory than its parent" cached python3 \
	"$TOP_SRCDIR/tests/shim/openahead_forks.py" "$CACHED_PATH"

# by default it is so where files stay as they are
unset RAWCACHE_OPENAHEAD
mark counter opens_ahead
what="by default" run
what="again" run
is "$(since)" 0 "nothing is opened ahead"
export RAWCACHE_TRUST=1
what="files that do not change" run
what="again" run
at_least "$(since)" 300 "are opened ahead by default"
mark counter opens_ahead
RAWCACHE_OPENAHEAD=0
export RAWCACHE_OPENAHEAD
what="RAWCACHE_OPENAHEAD=0" run
is "$(since)" 0 "opens none of them"
unset RAWCACHE_TRUST
RAWCACHE_OPENAHEAD=1

# whoever may write the image could name files
chmod 0666 "$IMAGE"
export RAWCACHE_SHARED=1
mark counter opens_ahead
what="an image that others may write" run
what="again" run
is "$(since)" 0 "keeps no order"
done_testing
