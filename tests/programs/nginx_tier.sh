#!/bin/bash
# SPDX-License-Identifier: MIT
# The alternative to the tier that docs/tier.md has: nginx between the machines and an HTTP origin. The configuration
# is the page's own. Machines that read at once, through rclone mounts, have every byte, and the origin is read once.
. "$(dirname "$0")/../lib.sh"
need nginx rclone
[ -w /dev/fuse ] || skip_all "/dev/fuse cannot be used here"
page=$(dirname "$0")/../../docs/tier.md
size=$((8 << 20))
mkdir -p "$scratch/store" "$scratch/slices"
head -c $size /dev/urandom >"$scratch/store/file"
age "$scratch/store"
origin_port=$(free_port)
cache_port=$(free_port)
sed -n '/^proxy_cache_path /,/^}/p' "$page" >"$scratch/recipe"
check "the page has the recipe" grep -q proxy_cache_lock "$scratch/recipe"
sed -i "s|/ssd/nginx|$scratch/slices|; s|500g|500m|; s|http://origin|http://127.0.0.1:$origin_port|" "$scratch/recipe"
sed -n '/^location/,$p' "$scratch/recipe" >"$scratch/location"
# nginx_run NAME PORT HTTP SERVER: what is to stand in both blocks
nginx_run() {
	cat >"$scratch/$1.conf" <<-CONF
		daemon off;
		worker_processes 2;
		pid $scratch/$1.pid;
		error_log $scratch/$1.error;
		$([ "$(id -u)" -eq 0 ] && echo "user root;")
		events { worker_connections 256; }
		http {
			client_body_temp_path $scratch/$1.body;
			proxy_temp_path $scratch/$1.proxy;
			fastcgi_temp_path $scratch/$1.fastcgi;
			uwsgi_temp_path $scratch/$1.uwsgi;
			scgi_temp_path $scratch/$1.scgi;
			log_format bytes '\$body_bytes_sent';
			access_log $scratch/$1.bytes bytes;
			$3
			server { listen 127.0.0.1:$2; $4 }
		}
	CONF
	nginx -c "$scratch/$1.conf" 2>"$scratch/$1.err" &
	pids="$pids $!"
	port_wait "$2"
}
nginx_run origin "$origin_port" "" "root $scratch/store; autoindex on;"
nginx_run between "$cache_port" "$(grep ^proxy_cache_path "$scratch/recipe")" "$(cat "$scratch/location")"
# node N: a mount and an image of its own
node() {
	mkdir -p "$scratch/mnt$1"
	rclone mount --read-only --http-url "http://127.0.0.1:$cache_port/" ":http:" "$scratch/mnt$1" \
		2>"$scratch/rclone$1.log" &
	pids="$pids $!"
	mounts="$mounts $scratch/mnt$1"
	for _ in $(seq 200); do
		[ -f "$scratch/mnt$1/file" ] && break
		sleep 0.05
	done
	"$RAWCACHE" format --force --size 64M "$scratch/node$1.img" >/dev/null
}
for n in 1 2 3; do
	node $n
done
[ -f "$scratch/mnt3/file" ] || skip_all "rclone cannot mount here"
readers=
for n in 1 2 3; do
	IMAGE=$scratch/node$n.img CACHED_PATH=$scratch/mnt$n cached cat "$scratch/mnt$n/file" >"$scratch/got$n" &
	readers="$readers $!"
done
for reader in $readers; do
	wait "$reader"
done
for n in 1 2 3; do
	check "machine $n: the bytes are right" cmp "$scratch/got$n" "$scratch/store/file"
done
bytes=$(awk '$1 >= 1000 { n += $1 } END { print n + 0 }' "$scratch/origin.bytes")
at_least "$bytes" $size "the origin was read"
at_most "$bytes" $((size * 11 / 10)) "three machines at once read it once"
done_testing
