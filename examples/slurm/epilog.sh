#!/bin/sh
# SPDX-License-Identifier: MIT
# Slurm's Epilog on a node: say what the cache did; the last job of a user takes the image away when
# RAWCACHE_NODE_KEEP=0.
directory=${RAWCACHE_NODE_DIR:-/scratch/rawcache}/${SLURM_JOB_USER:?}

[ -e "$directory/cache.img" ] || exit 0
runuser -u "$SLURM_JOB_USER" -- rawcache stat --cache "$directory/cache.img" 2>&1 |
	logger -t "rawcache job ${SLURM_JOB_ID:-?}"
if [ "${RAWCACHE_NODE_KEEP:-1}" = 0 ] &&
	[ -z "$(squeue -h -w "$(hostname -s)" -u "$SLURM_JOB_USER" 2>/dev/null)" ]; then
	runuser -u "$SLURM_JOB_USER" -- rm -f "$directory/cache.img"
fi
exit 0
