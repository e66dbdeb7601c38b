#!/bin/sh
# SPDX-License-Identifier: MIT
# Slurm's Prolog on a node: an image of the job's user on the node's disk, for all jobs of that user.
# slurm.conf: Prolog=/etc/slurm/prolog.sh Epilog=/etc/slurm/epilog.sh TaskProlog=/etc/slurm/taskprolog.sh
# Whatever goes wrong here, the job runs without the cache: a Prolog that fails would drain the node.
directory=${RAWCACHE_NODE_DIR:-/scratch/rawcache}/${SLURM_JOB_USER:?}
size=${RAWCACHE_NODE_SIZE:-100G}

install -d -m 0711 "$(dirname "$directory")" &&
	install -d -m 0700 -o "$SLURM_JOB_USER" "$directory" || exit 0
# one Prolog at a time makes it; the others wait, and find it there. The lock is root's, so it does not lie where the
# user could put a link in its place
exec 9>"$(dirname "$directory")/.$SLURM_JOB_USER.lock" && flock 9
if [ ! -e "$directory/cache.img" ]; then
	runuser -u "$SLURM_JOB_USER" -- rawcache format --size "$size" "$directory/cache.img" 2>&1 | logger -t rawcache
fi
exit 0
