#!/bin/bash
# SPDX-License-Identifier: MIT
# nginx below the cache with its ways to send a file.
. "$(dirname "$0")/../lib.sh"
need nginx
. "$(dirname "$0")/suite_servers.inc"

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

nginx_with "sendfile off;"
nginx_with "sendfile on; tcp_nopush on;"
nginx_with "sendfile off; aio threads;"
if [ -n "${RAWCACHE_TESTS_FULL:-}" ]; then
	nginx_with "sendfile on; aio threads; sendfile_max_chunk 64k;"
	nginx_with "sendfile on; aio threads; directio 256k;"
	nginx_with "sendfile on; open_file_cache max=100; open_file_cache_valid 1s;"
fi
done_testing
