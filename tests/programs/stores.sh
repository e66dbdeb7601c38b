#!/bin/bash
# SPDX-License-Identifier: MIT
# Databases whose files readers and writers have open for reading and writing, below the cache and outside of it:
# their own checks and tests/programs/stores.py find them whole, and no reader sees an old commit. STORES_SECONDS: for
# each.
. "$(dirname "$0")/../lib.sh"
need python3
python=/usr/bin/python3 # the one that Debian's modules are for
[ -x "$python" ] || python=python3
[ "${RAWCACHE_TESTS_FULL:-}" != 1 ] || STORES_SECONDS=${STORES_SECONDS:-60}
# without looks: nothing but locks and what is announced ends a version
export RAWCACHE_SETTLE=0.02 RAWCACHE_REVALIDATE=open
IMAGE=$scratch/cache.img
"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1

# store KIND DIRECTORY TEXT
store() {
	mkdir -p "$2/$1"
	CACHED_PATH=$2
	before=$(counter hits)
	check "$1, $3: whole, and no reader sees an old commit" cached timeout 900 \
		"$python" "$TOP_SRCDIR/tests/programs/stores.py" "$1" "$2/$1" "${STORES_SECONDS:-4}" "$scratch/commits"
	sed 's/^/# /' "$scratch/check.log"
	hits=$(($(counter hits) - before))
	echo "# $hits hits"
}
for kind in sqlite-delete sqlite-wal; do
	store $kind "$scratch/local" "on a local file system"
	at_least $hits 100 "$kind was read from the cache"
done
mkdir -p "$scratch/local/restart"
CACHED_PATH=$scratch/local
check "SQLite's log, begun again by a process outside" cached timeout 100 \
	"$python" "$TOP_SRCDIR/tests/programs/stores_wal.py" "$scratch/local/restart/db"
if "$python" -c 'import lmdb' 2>/dev/null; then
	store lmdb "$scratch/local" "on a local file system"
else
	echo "# lmdb: python3-lmdb is not installed"
fi
if "$python" -c 'import h5py' 2>/dev/null; then
	store hdf5 "$scratch/local" "on a local file system"
	at_least $hits 100 "hdf5 was read from the cache"
else
	echo "# hdf5: python3-h5py is not installed"
fi
. "$TOP_SRCDIR/tests/programs/stores_duckdb.inc"
. "$TOP_SRCDIR/tests/programs/stores_postgres.inc"
if [ -x "$ORIGIN" ] && [ -w /dev/fuse ]; then
	mkdir -p "$scratch/back"
	origin_mount "$scratch/back" "$scratch/mount" --attr-timeout=1
	for kind in sqlite-delete sqlite-wal; do
		store $kind "$scratch/mount" "on FUSE"
		at_least $hits 100 "$kind was read from the cache"
	done
fi
done_testing
