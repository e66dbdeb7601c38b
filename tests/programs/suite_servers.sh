#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx, lighttpd and apache2 below the cache with their various ways to send a file, from the slow
# origin: while wrk loads them and compares every body, curl fetches every file and compares it too.
. "$(dirname "$0")/../lib.sh"
need curl wrk
need_origin

files=30
seconds=2
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || seconds=10
mkdir -p "$scratch/store" "$scratch/got" "$scratch/run"
chmod 755 "$scratch" "$scratch/run"
for i in $(seq $files); do
	{ printf '%04d' "$i"; head -c $((i * i * 1501 + i)) /dev/urandom; } >"$scratch/store/file$i"
done
age "$scratch/store"
origin_mount "$scratch/store" "$scratch/mnt" --latency=2 --bandwidth=200M ||
	skip_all "the origin cannot be mounted"
(cd "$scratch/store" && sha256sum file* | sort -k2) >"$scratch/sums"
# The first four bytes of a body say which file it is.
cat >"$scratch/compare.lua" <<LUA
local bodies, wrong, right, count, threads = {}, 0, 0, $files, {}
function setup(thread)
	table.insert(threads, thread)
end
function init()
	for i = 1, count do
		local f = assert(io.open("$scratch/store/file" .. i, "rb"))
		bodies[i] = f:read("*a")
		f:close()
	end
	math.randomseed(os.time())
	n_wrong, n_right = 0, 0
end
function request()
	return wrk.format("GET", "/file" .. math.random(count))
end
function response(status, headers, body)
	if status == 200 and bodies[tonumber(body:sub(1, 4))] == body then
		n_right = n_right + 1
	else
		n_wrong = n_wrong + 1
	end
end
function done(summary)
	for _, thread in ipairs(threads) do
		right = right + thread:get("n_right")
		wrong = wrong + thread:get("n_wrong")
	end
	local e = summary.errors
	print(string.format("right %d wrong %d errors %d", right, wrong, e.connect + e.read + e.write))
end
LUA

fetch_all() {
	rm -f "$scratch/got/"*
	(cd "$scratch/got" && seq $files | xargs -P 4 -I N curl -m 60 -sfo fileN "http://127.0.0.1:$port/fileN"
		sha256sum file* | sort -k2) | cmp - "$scratch/sums"
}

# The file in pieces of ranges, put together.
fetch_ranges() {
	: >"$scratch/ranges"
	for at in 0 100000 262143 262145 700000 1000000; do
		case $at in 0) to=99999 ;; 100000) to=262142 ;; 262143) to=262144 ;; 262145) to=699999 ;;
		700000) to=999999 ;; *) to= ;; esac
		curl -m 60 -sf -r $at-$to "http://127.0.0.1:$port/file$files" >>"$scratch/ranges" || return
	done
	cmp "$scratch/ranges" "$scratch/store/file$files"
}

load() {
	wrk -t 1 -c 8 -d ${seconds}s -s "$scratch/compare.lua" "http://127.0.0.1:$port" >"$scratch/wrk.out" &
	wrk_pid=$!
	fetch_all
	status=$?
	wait $wrk_pid
	result=$(grep '^right' "$scratch/wrk.out") || result="no result of wrk"
	echo "$result"
	[ $status -eq 0 ] || return
	case $result in "right 0 "*) return 1 ;; "right "*" wrong 0 errors 0") return 0 ;; esac
	return 1
}

# server NAME COMMAND...: in the foreground, on 127.0.0.1:$port
server() {
	name=$1
	shift
	IMAGE=$scratch/$tap_count.img
	CACHED_PATH=$scratch/mnt
	"$RAWCACHE" format --size 128M "$IMAGE" >/dev/null || exit 1
	# lighttpd with workers signals its process group when it ends, which is not to be ours
	setsid "$RAWCACHE" run --path "$CACHED_PATH" --cache "$IMAGE" -- "$@" >"$scratch/server.log" 2>&1 &
	server_pid=$!
	pids="$pids $server_pid"
	up=1
	for _ in $(seq 100); do
		curl -m 60 -sfo /dev/null "http://127.0.0.1:$port/file1" && up=0 && break
		sleep 0.1
	done
	if [ $up -ne 0 ]; then
		sed 's/^/# /' "$scratch/server.log" "$scratch/error.log" 2>/dev/null | tail -20
		ok 1 "$name: serves"
	else
		check "$name: every byte is right, cold, under load" load
		check "$name: and warm" load
		check "$name: and in ranges" fetch_ranges
		is "$(counter verify_failed)" 0 "$name: no checksum failed"
	fi
	stop "$server_pid"
	pids=${pids% "$server_pid"}
	rm -f "$scratch/error.log"
	port=$(free_port)
}

port=$(free_port)

nginx_with() {
	cat >"$scratch/nginx.conf" <<-CONF
		daemon off;
		worker_processes 2;
		pid $scratch/run/nginx.pid;
		error_log $scratch/error.log;
		$([ "$(id -u)" -eq 0 ] && echo "user root;")
		events { worker_connections 256; }
		http {
			access_log off;
			client_body_temp_path $scratch/run/body;
			proxy_temp_path $scratch/run/proxy;
			fastcgi_temp_path $scratch/run/fastcgi;
			uwsgi_temp_path $scratch/run/uwsgi;
			scgi_temp_path $scratch/run/scgi;
			$*
			server { listen 127.0.0.1:$port; root $scratch/mnt; }
		}
	CONF
	server "nginx, $*" nginx -c "$scratch/nginx.conf"
}

lighttpd_with() {
	cat >"$scratch/lighttpd.conf" <<-CONF
		server.document-root = "$scratch/mnt"
		server.bind = "127.0.0.1"
		server.port = $port
		server.errorlog = "$scratch/error.log"
		server.network-backend = "$1"
		server.max-worker = $2
		mimetype.assign = ( "" => "application/octet-stream" )
	CONF
	server "lighttpd, $1, $2 workers" lighttpd -D -f "$scratch/lighttpd.conf"
}

# apache_with MPM SENDFILE MMAP
apache_with() {
	modules=/usr/lib/apache2/modules
	cat >"$scratch/apache2.conf" <<-CONF
		ServerRoot $scratch/run
		ServerName localhost
		Listen 127.0.0.1:$port
		PidFile $scratch/run/apache2.pid
		ErrorLog $scratch/error.log
		DefaultRuntimeDir $scratch/run
		LoadModule mpm_$1_module $modules/mod_mpm_$1.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		DocumentRoot $scratch/mnt
		EnableSendfile $2
		EnableMMAP $3
		<Directory $scratch/mnt>
			Require all granted
		</Directory>
	CONF
	server "apache2, $1, sendfile $2, mmap $3" apache2 -f "$scratch/apache2.conf" -DFOREGROUND
}

if command -v nginx >/dev/null; then
	nginx_with "sendfile off;"
	nginx_with "sendfile on; tcp_nopush on;"
	nginx_with "sendfile off; aio threads;"
	if [ -n "${RAWCACHE_TESTS_FULL:-}" ]; then
		nginx_with "sendfile on; aio threads; sendfile_max_chunk 64k;"
		nginx_with "sendfile on; aio threads; directio 256k;"
		nginx_with "sendfile on; open_file_cache max=100; open_file_cache_valid 1s;"
	fi
else
	echo "# nginx: not run: not installed"
fi
if command -v lighttpd >/dev/null; then
	lighttpd_with sendfile 0
	lighttpd_with writev 2
	[ -z "${RAWCACHE_TESTS_FULL:-}" ] || lighttpd_with write 0
else
	echo "# lighttpd: not run: not installed"
fi
if command -v apache2 >/dev/null && [ -e /usr/lib/apache2/modules/mod_mpm_event.so ]; then
	apache_with event On Off
	apache_with event Off On
	if [ -n "${RAWCACHE_TESTS_FULL:-}" ]; then
		apache_with event Off Off
		apache_with worker On On
		apache_with prefork Off Off
		apache_with prefork Off On
	fi
else
	echo "# apache2: not run: not installed"
fi
done_testing
