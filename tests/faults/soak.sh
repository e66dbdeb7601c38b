#!/bin/bash
# SPDX-License-Identifier: MIT
# Everything at once for a time, with an eye on a program that stays: torture, kills, histories of files,
# power losses, the model, and a server below the cache whose memory, descriptors and mappings must
# not grow, nor what lies in the runtime directory.
# usage: soak.sh [SECONDS [SEED]], or SOAK_SECONDS and SOAK_SEED; make soak
[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
. "$(dirname "$0")/../lib.sh"
need python3
seconds=${1:-${SOAK_SECONDS:-40}}
seed=${2:-${SOAK_SEED:-$RANDOM}}
echo "# seed $seed, $seconds seconds"
bin=$TOP_BUILDDIR/tests
mkdir -p "$scratch/d" "$scratch/run" "$scratch/tmp"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/d
"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
export RAWCACHE_RUNTIME_DIR=$scratch/run

cp "$TOP_SRCDIR/tests/faults/soak_server.py" "$scratch/server.py"
RAWCACHE_SETTLE=0.02 RAWCACHE_DEVICE=$IMAGE RAWCACHE_PATHS=$CACHED_PATH LD_PRELOAD=$RAWCACHE_PRELOAD \
	python3 "$scratch/server.py" "$CACHED_PATH" "$scratch/stop" >"$scratch/server.out" 2>&1 &
server=$!
pids="$pids $server"
for _ in $(seq 200); do
	grep -q ready "$scratch/server.out" && break
	sleep 0.1
done

# figure NAME: of the server: anonymous memory in KiB, descriptors, mappings
figure() {
	case $1 in
	memory) sed -n 's/^RssAnon:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status" ;;
	descriptors) ls "/proc/$server/fd" | wc -l ;;
	mappings) wc -l <"/proc/$server/maps" ;;
	segments) ls "$scratch/run" | wc -l ;;
	esac
}

# job NAME COMMAND...: again and again, each time with another seed ({}), until the time is over
job() {
	name=$1
	shift
	n=0
	while [ "$(date +%s)" -lt "$end" ]; do
		n=$((n + 1))
		set_seed=$((seed + n))
		# shellcheck disable=SC2001 # the seed stands within arguments
		TMPDIR=$scratch/tmp timeout 600 $(echo "$*" | sed "s/{}/$set_seed/") >"$scratch/$name.log" 2>&1 || {
			echo "seed $set_seed" >>"$scratch/$name.failed"
			sed 's/^/# /' "$scratch/$name.log" | tail -30 >>"$scratch/$name.failed"
		}
		echo "$n" >"$scratch/$name.runs"
	done
}
end=$(($(date +%s) + seconds))
jobs="torture kills histories losses model points"
job torture "$bin/faults/torture_engine" --processes 64 --threads 2 --kill --stop --seconds 8 --seed {} &
workers=$!
job kills "$bin/faults/torture_engine" --processes 8 --threads 8 --kill --seconds 6 --seed {} &
workers="$workers $!"
(unset RAWCACHE_RUNTIME_DIR; job histories bash "$TOP_SRCDIR/tests/faults/coherence.sh" 5 {}) &
workers="$workers $!"
job losses "$bin/faults/power_loss" --replays 20 --seed {} &
workers="$workers $!"
job model "$bin/model/model_engine" --schedules 100 --seed {}000 &
workers="$workers $!"
job points "$bin/faults/crash_points" --patient &
workers="$workers $!"

# what has grown after the first third, when everything has been done once
sleep $((seconds / 3))
for what in memory descriptors mappings segments; do
	declare "first_$what=$(figure $what)"
done
sleep $((seconds - seconds / 3 - 1))
# the least of some moments: what is in use only now and then does not count
for what in memory descriptors mappings segments; do
	least=
	for _ in 1 2 3 4 5; do
		now=$(figure $what)
		[ -n "$least" ] && [ "$least" -le "$now" ] || least=$now
		sleep 0.1
	done
	declare "last_$what=$least"
done
# shellcheck disable=SC2086 # a list
wait $workers
touch "$scratch/stop"
wait $server
ok $? "the server read nothing but what was written"
sed 's/^/# /' "$scratch/server.out"
# shellcheck disable=SC2154 # declared above
{
	echo "# memory $first_memory to $last_memory KiB, descriptors $first_descriptors to $last_descriptors," \
		"mappings $first_mappings to $last_mappings"
	at_most "$last_memory" $((first_memory * 5 / 4 + 8192)) "its memory does not grow"
	at_most "$last_descriptors" $((first_descriptors + 8)) "nor do its descriptors"
	at_most "$last_mappings" $((first_mappings + 64)) "nor its mappings"
	at_most "$last_segments" 1 "there is one runtime segment"
}
for name in $jobs; do
	[ ! -e "$scratch/$name.failed" ] || cat "$scratch/$name.failed"
	[ ! -e "$scratch/$name.failed" ]
	ok $? "$name: $(cat "$scratch/$name.runs" 2>/dev/null || echo 0) runs"
done
is "$(ls "$scratch/tmp")" "" "they leave nothing behind"
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
