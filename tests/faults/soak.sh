#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything at once for a time, with an eye on a program that stays: torture, kills, histories of files,
# power losses, the model, and a server below the cache whose memory, descriptors and mappings must
# not grow, nor what lies in the runtime directory.
# usage: soak.sh [SECONDS [SEED]], or SOAK_SECONDS and SOAK_SEED; make soak
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/soak.inc"
need python3
short=25 # as long as each kind of fault comes several times
[ "${RAWCACHE_TESTS_FULL:-}" != 1 ] || short=300
seconds=${1:-${SOAK_SECONDS:-$short}}
seed=${2:-${SOAK_SEED:-$RANDOM}}
echo "# seed $seed, $seconds seconds"
image 64M
server_begin

end=$(($(date +%s) + seconds))
bin=$TOP_BUILDDIR/tests
beside torture "$bin/faults/torture_engine" --processes 64 --threads 2 --kill --stop --seconds 8 --seed {}
beside kills "$bin/faults/torture_engine" --processes 8 --threads 8 --kill --seconds 6 --seed {}
beside histories env -u RAWCACHE_RUNTIME_DIR bash "$TOP_SRCDIR/tests/faults/coherence.sh" 5 {}
beside losses "$bin/faults/power_loss" --replays 20 --seed {}
beside model "$bin/model/model_engine" --schedules 100 --seed {}000
beside points "$bin/faults/crash_points" --patient

# what has grown after the first third, when everything has been done once
sleep $((seconds / 3))
memory=$(figure memory) descriptors=$(figure descriptors) mappings=$(figure mappings)
sleep $((seconds - seconds / 3 - 1))
echo "# of $memory KiB of memory, $descriptors descriptors, $mappings mappings"
at_most "$(least memory)" $((memory * 5 / 4 + 8192)) "the server's memory does not grow"
at_most "$(least descriptors)" $((descriptors + 8)) "nor do its descriptors"
at_most "$(least mappings)" $((mappings + 64)) "nor its mappings"
at_most "$(least segments)" 1 "there is one runtime segment"
# shellcheck disable=SC2086 # a list
wait $workers
server_end
ok $? "the server read nothing but what was written"
jobs_end
is "$(ls "$scratch/tmp")" "" "they leave nothing behind"
verified "the image verifies"
done_testing
