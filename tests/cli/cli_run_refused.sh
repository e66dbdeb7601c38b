#!/bin/bash
# SPDX-License-Identifier: MIT
# rawcache run: what is refused before the program starts.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/cli.inc"

refused "run without a program" 2 "no program" "$RAWCACHE" run --path data
refused "run without a directory" 2 "no directory to cache" "$RAWCACHE" run -- true
refused "run with excluded directories only" 2 "no directory to cache" \
	"$RAWCACHE" run --exclude data -- true
refused "a directory that does not exist" 2 "--path nowhere: there is no such directory" "$RAWCACHE" run -p nowhere true
refused "an excluded directory that does not exist" 2 "--exclude nowhere: there is no such directory" \
	"$RAWCACHE" run -p data -x nowhere true
touch file
refused "a file for a directory" 2 "not a directory" "$RAWCACHE" run -p file true
refused "an empty name for a directory" 2 "empty" "$RAWCACHE" run -p '' true
mkdir with:colon
refused "a directory with a colon" 2 "colon" "$RAWCACHE" run -p with:colon true
refused "RAWCACHE_PATHS with a relative entry" 2 "absolute" env RAWCACHE_PATHS=data "$RAWCACHE" run true
refused "RAWCACHE_PATHS with an empty entry" 2 "empty" env RAWCACHE_PATHS=/usr::/etc "$RAWCACHE" run true
refused "RAWCACHE_PATHS with a missing directory" 2 "RAWCACHE_PATHS $work/nowhere: there is no such directory" \
	env RAWCACHE_PATHS="$work/nowhere" "$RAWCACHE" run true
for size in 5Q -1 1.5G 99999999999999999999 99999999T K; do
	refused "--size '$size'" 2 "not a size" "$RAWCACHE" run -p data --size "$size" true
	refused "RAWCACHE_SIZE='$size'" 2 "not a size" env RAWCACHE_SIZE="$size" "$RAWCACHE" run -p data true
done
refused "--size below the smallest" 2 "too few" "$RAWCACHE" run -p data --size 1M true
refused "--ttl soon" 2 "^rawcache: run: --ttl soon" "$RAWCACHE" run -p data --ttl soon true
refused "--threshold much" 2 "^rawcache: run: --threshold much" "$RAWCACHE" run -p data --threshold much true
for setting in MMAP_THRESHOLD=x SENDFILE=2 TTL=-1 READAHEAD=x IO=fast DIRECT=maybe SETTLE=x \
	REVALIDATE=x VERIFY=x SHARED=x LOG_LEVEL=loud DISABLE=perhaps; do
	refused "RAWCACHE_$setting" 2 "RAWCACHE_$setting .*; correct it" \
		env "RAWCACHE_$setting" "$RAWCACHE" run -p data true
done
for option in --cache --size --threshold --ttl --log; do
	refused "run with an empty $option" 2 "run: $option is empty" "$RAWCACHE" run -p data $option '' true
done
refused "a cache in a missing directory" 1 "nowhere" "$RAWCACHE" run -p data --cache nowhere/img true
refused "a log in a missing directory" 1 "nowhere" "$RAWCACHE" run -p data --size 16M --log nowhere/log true
refused "a preload object that is missing" 1 "RAWCACHE_PRELOAD" \
	env RAWCACHE_PRELOAD="$work/none.so" "$RAWCACHE" run -p data true
rm -rf cache
refused "a runtime directory that is missing" 1 "RAWCACHE_RUNTIME_DIR" \
	env RAWCACHE_RUNTIME_DIR="$work/nowhere" "$RAWCACHE" run -p data --size 16M true
rm -rf cache
done_testing
