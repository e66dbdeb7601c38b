#!/bin/sh
# SPDX-License-Identifier: MIT
# Slurm's TaskProlog: lines that begin with "export" become variables of the task.
# The user says in the job what to cache: export RAWCACHE_PATHS=/project/dataset
image=${RAWCACHE_NODE_DIR:-/scratch/rawcache}/${SLURM_JOB_USER:?}/cache.img
[ -n "${RAWCACHE_PATHS:-}" ] && [ -w "$image" ] || exit 0
echo "export RAWCACHE_DEVICE=$image"
# the loader itself puts the directory of the architecture in the place of $LIB
# shellcheck disable=SC2016
echo 'export LD_PRELOAD=/usr/$LIB/rawcache/librawcache-preload.so'"${LD_PRELOAD:+:$LD_PRELOAD}"
