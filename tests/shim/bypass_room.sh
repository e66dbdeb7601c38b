#!/bin/bash
# SPDX-License-Identifier: MIT
# Where there is no room for the runtime segment or the image, a program reads the origin, in silence.
# shellcheck source=tests/shim/bypass.inc
. "$(dirname "$0")/bypass.inc"
mkdir "$scratch/run"
mount -t tmpfs -o size=1M rawcache-test "$scratch/run" 2>/dev/null || skip_all "tmpfs cannot be mounted here"
mounts=$scratch/run

shim "runtime directory without room" RAWCACHE_RUNTIME_DIR="$scratch/run"
mount -o remount,size=64M,ro "$scratch/run"
shim "read-only runtime directory" RAWCACHE_RUNTIME_DIR="$scratch/run"
mount -o remount,size=24M,rw "$scratch/run"
"$RAWCACHE" format --size 20M "$scratch/run/full.img" >/dev/null
head -c 10000000 /dev/zero >"$scratch/run/rest" 2>/dev/null
shim "image on a full file system" RAWCACHE_DEVICE="$scratch/run/full.img" RAWCACHE_RUNTIME_DIR="$scratch"
done_testing
