#!/bin/bash
# SPDX-License-Identifier: MIT
# Servers that root starts and that become another user before they open what they serve, as their packages
# have them: the image, which is root's alone, is theirs because they attach before.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/servers_user.inc"
need curl

mkdir "$scratch/got" "$scratch/run"
mkdir -m 777 "$scratch/open"
bytes=$(cat "$scratch"/d/* | wc -c)
(cd "$scratch/d" && sha256sum file* | sort -k2) >"$scratch/sums"

fetch_all() {
	rm -f "$scratch/got/"*
	(cd "$scratch/got" && seq $files | xargs -P 4 -I N curl -m 60 -sfo fileN "http://127.0.0.1:$port/fileN"
		sha256sum file* | sort -k2) | cmp - "$scratch/sums"
}

# server NAME COMMAND...: in the foreground, on 127.0.0.1:$port
server() {
	name=$1
	shift
	rm -f "$scratch/error.log"
	IMAGE=$scratch/$tap_count.img
	"$RAWCACHE" format --size 64M "$IMAGE" >/dev/null || exit 1
	chmod 600 "$IMAGE"
	setsid "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- "$@" >"$scratch/server.log" 2>&1 &
	server_pid=$!
	pids="$pids $server_pid"
	for _ in $(seq 200); do
		curl -m 60 -sfo /dev/null "http://127.0.0.1:$port/file1" && break
		sleep 0.1
	done
	[ "$(curl -m 60 -so /dev/null -w '%{http_code}' "http://127.0.0.1:$port/file1")" = 200 ] ||
		sed 's/^/# /' "$scratch/server.log"
	for round in 1 2 3; do
		check "$name: every byte is right, round $round" fetch_all
	done
	is "$(ps -o user:20= --ppid "$server_pid" --pid "$server_pid" | sort -u | grep -c "^$user")" 1 \
		"$name: it is another user"
	stop "$server_pid"
	pids=${pids% "$server_pid"}
	at_least "$(($(counter hit_bytes) + $(counter mapped_bytes) + $(counter sendfile_bytes)))" "$bytes" \
		"$name: a round's bytes or more come from the cache"
	port=$(free_port)
}

port=$(free_port)
if command -v nginx >/dev/null; then
	cat >"$scratch/nginx.conf" <<-CONF
		daemon off;
		worker_processes 2;
		pid $scratch/run/nginx.pid;
		error_log $scratch/error.log;
		user $user;
		events { worker_connections 256; }
		http {
			access_log off;
			sendfile on;
			client_body_temp_path $scratch/run/body;
			proxy_temp_path $scratch/run/proxy;
			fastcgi_temp_path $scratch/run/fastcgi;
			uwsgi_temp_path $scratch/run/uwsgi;
			scgi_temp_path $scratch/run/scgi;
			server { listen 127.0.0.1:$port; root $scratch/d; }
		}
	CONF
	server nginx nginx -c "$scratch/nginx.conf"
else
	echo "# nginx: not run: not installed"
fi
if command -v lighttpd >/dev/null; then
	cat >"$scratch/lighttpd.conf" <<-CONF
		server.document-root = "$scratch/d"
		server.bind = "127.0.0.1"
		server.port = $port
		server.username = "$user"
		server.errorlog = "$scratch/open/error.log"
		mimetype.assign = ( "" => "application/octet-stream" )
	CONF
	server lighttpd lighttpd -D -f "$scratch/lighttpd.conf"
else
	echo "# lighttpd: not run: not installed"
fi
modules=/usr/lib/apache2/modules
if command -v apache2 >/dev/null && [ -e $modules/mod_mpm_event.so ]; then
	cat >"$scratch/apache2.conf" <<-CONF
		ServerRoot $scratch/run
		ServerName localhost
		Listen 127.0.0.1:$port
		PidFile $scratch/run/apache2.pid
		ErrorLog $scratch/error.log
		DefaultRuntimeDir $scratch/run
		User $user
		Group $(id -gn "$user")
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		DocumentRoot $scratch/d
		<Directory $scratch/d>
			Require all granted
		</Directory>
	CONF
	server apache2 apache2 -f "$scratch/apache2.conf" -DFOREGROUND
else
	echo "# apache2: not run: not installed"
fi
done_testing
