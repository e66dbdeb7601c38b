#!/bin/bash
# SPDX-License-Identifier: MIT
# Machines that share a tier, as network and mount namespaces: three servers on one network, and nodes that have an
# address, an origin mount, an image and a runtime directory of their own. A network that goes away.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/tier.inc"
need ip tc unshare
[ "$(id -u)" = 0 ] || skip_all "only root can make network namespaces: tier.sh has what needs none"
hub=rawcache-hub-$$
nodes="rawcache-a-$$ rawcache-b-$$ rawcache-c-$$"
ip netns add "$hub" 2>/dev/null || skip_all "network namespaces cannot be made here"
nets_end() {
	cleanup
	for net in $hub $nodes; do
		ip netns del "$net" 2>/dev/null
	done
}
trap nets_end EXIT
nets_make() {
	ip -n "$hub" link set lo up && ip -n "$hub" link add hub0 type bridge &&
		ip -n "$hub" link set hub0 up || return 1
	for n in 1 2 3; do
		ip -n "$hub" address add "10.77.0.$n/24" dev hub0 || return 1
	done
	n=10
	for net in $nodes; do
		n=$((n + 1))
		ip netns add "$net" && ip -n "$hub" link add "to$n" type veth peer name eth0 netns "$net" &&
			ip -n "$hub" link set "to$n" master hub0 up && ip -n "$net" link set eth0 up &&
			ip -n "$net" address add "10.77.0.$n/24" dev eth0 || return 1
	done
}
nets_make 2>"$scratch/nets.log" || skip_all "bridges or veth pairs cannot be made here"
size=$((16 << 20))
tier_file $size
age "$scratch/back"
tier_key
for n in 1 2 3; do
	ip netns exec "$hub" memcached -u root -l 10.77.0.$n -p 11211 -m 64 2>>"$scratch/memcached.log" &
	pids="$pids $!"
done
for n in 1 2 3; do
	for _ in $(seq 100); do
		ip netns exec "$hub" bash -c "(: <>/dev/tcp/10.77.0.$n/11211)" 2>/dev/null && break
		sleep 0.05
	done
done
# what a node does: mount its origin where nobody else sees it, read through the cache, say how much the origin gave
cat >"$scratch/node.sh" <<'S'
set -u
cd "$1" || exit 1
mkdir -p "mnt$2" "run$2"
"$ORIGIN" --latency=30 --direct-io back "mnt$2" || exit 1
trap 'fusermount3 -u -z "mnt$2"' EXIT
export RAWCACHE_RUNTIME_DIR=$1/run$2 RAWCACHE_TIER_KEY=$1/key RAWCACHE_TIER_NAME=$1/mnt$2=data RAWCACHE_LOG=$1/log$2
"$RAWCACHE" format --force --size 96M "node$2.img" >/dev/null
"$RAWCACHE" run --tier 10.77.0.1:11211,10.77.0.2:11211,10.77.0.3 --path "$1/mnt$2" --cache "node$2.img" -- \
	cat "$1/mnt$2/file" >"got$2"
sed -n 's/^read_bytes //p' "mnt$2/.origin/stats" >"bytes$2"
"$RAWCACHE" tier check --tier 10.77.0.1:11211,10.77.0.2:11211,10.77.0.3 >"check$2" 2>&1
S
# node N: in its namespaces
node() {
	# shellcheck disable=SC2086
	set -- "$1" $nodes
	net=$(eval "echo \$$(($1 + 1))")
	ORIGIN=$ORIGIN RAWCACHE=$RAWCACHE ip netns exec "$net" unshare -m bash "$scratch/node.sh" "$scratch" "$1"
	check "node $1: the bytes are right" cmp "$scratch/got$1" "$scratch/back/file"
}
node 1
is "$(cat "$scratch/bytes1")" $size "the first node reads all of its origin"
is "$(grep -c good "$scratch/check1")" 3 "rawcache tier check finds the servers good"
node 2
at_most "$(cat "$scratch/bytes2")" $((size / 2)) "the second node reads less than half of it"
# a slow network that loses packets: 5 ms and one in a hundred where the kernel can, else what is too much for it
loss=$(ip -n "$hub" -o link show type veth | sed -n 's/^[0-9]*: \(to[0-9]*\)@.*/\1/p')
for link in $loss; do
	tc -n "$hub" qdisc add dev "$link" root netem delay 5ms loss 1% limit 10000 2>/dev/null ||
		tc -n "$hub" qdisc add dev "$link" root tbf rate 200mbit burst 32kb limit 64kb || skip_all "no tc here"
done
for n in 2 3; do
	node $n
done
at_least "$(tc -n "$hub" -s qdisc | sed -n 's/.*dropped \([0-9]*\).*/\1/p' | sort -n | tail -n 1)" 1 \
	"packets were lost on the way"
for link in $loss; do
	tc -n "$hub" qdisc del dev "$link" root
done
# the network goes away under way: nobody says so
ORIGIN=$ORIGIN RAWCACHE=$RAWCACHE
(
	sleep 0.3
	ip -n "$hub" link set hub0 down
) &
node 3
wait $!
RAWCACHE_TIER_KEY=$scratch/key RAWCACHE_TIER_NAME=$scratch/mnt3=data ip netns exec "$net" "$RAWCACHE" tier check \
	--tier 10.77.0.1:11211,10.77.0.2:11211,10.77.0.3 >"$scratch/check3" 2>&1
is "$? $(grep -c 10.77.0 "$scratch/check3")" "1 3" "rawcache tier check says that no server is reached"
ip -n "$hub" link set hub0 up
for n in 1 2 3; do
	ip -n "$hub" address add "10.77.0.$n/24" dev hub0 2>/dev/null
done
node 3
done_testing
