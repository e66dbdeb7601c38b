#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx with two workers, static files on the slow origin: every byte right, under load too.
. "$(dirname "$0")/../lib.sh"
need nginx curl
need_origin
mkdir -p "$scratch/store"
for i in $(seq 1 40); do
	head -c $((i * 20011)) /dev/urandom >"$scratch/store/file$i"
done
age "$scratch/store"
origin_mount "$scratch/store" "$scratch/mnt" --latency=2 --bandwidth=200M ||
	skip_all "the origin cannot be mounted"
IMAGE=$scratch/cache.img
CACHED_PATH=$scratch/mnt
"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1
(cd "$scratch/store" && sha256sum file*) >"$scratch/sums"

serve() {
	sendfile=$1
	port=$2
	cat >"$scratch/nginx.conf" <<-CONF
		daemon off;
		worker_processes 2;
		pid $scratch/nginx.pid;
		error_log $scratch/error.log;
		$([ "$(id -u)" -eq 0 ] && echo "user root;")
		events { worker_connections 256; }
		http {
			access_log off;
			sendfile $sendfile;
			client_body_temp_path $scratch/body;
			proxy_temp_path $scratch/proxy;
			fastcgi_temp_path $scratch/fastcgi;
			uwsgi_temp_path $scratch/uwsgi;
			scgi_temp_path $scratch/scgi;
			server { listen 127.0.0.1:$port; root $scratch/mnt; }
		}
	CONF
	# not through cached(): the process to kill is to be nginx, not a subshell
	"$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- nginx -c "$scratch/nginx.conf" \
		>"$scratch/nginx.err" 2>&1 &
	nginx_pid=$!
	pids="$pids $nginx_pid"
	for _ in $(seq 100); do
		curl -m 60 -so /dev/null "http://127.0.0.1:$port/file1" && break
		sleep 0.05
	done
}

fetch_all() {
	rm -rf "$scratch/got"
	mkdir "$scratch/got"
	(cd "$scratch/got" && seq 1 40 | xargs -P 8 -I N curl -m 60 -sfo fileN "http://127.0.0.1:$1/fileN" &&
		sha256sum file* | sort -k2) >"$scratch/got.sums"
	sort -k2 "$scratch/sums" | cmp - "$scratch/got.sums"
}

for sendfile in off on; do
	port=$(free_port)
	serve $sendfile $port
	check "sendfile $sendfile: all files are right the first time" fetch_all $port
	origin_control "$scratch/mnt" reset
	check "sendfile $sendfile: and the second time" fetch_all $port
	[ $sendfile = on ] || is "$(origin_stat "$scratch/mnt" read)" 0 \
		"sendfile $sendfile: the second time without the origin"
	check "sendfile $sendfile: and a range" sh -c \
		"curl -m 60 -s -r 1000-300000 http://127.0.0.1:$port/file40 >$scratch/range &&
			tail -c +1001 $scratch/store/file40 | head -c 299001 | cmp - $scratch/range"
	stop "$nginx_pid"
done
check "the image verifies" "$RAWCACHE" verify --cache "$IMAGE"
done_testing
