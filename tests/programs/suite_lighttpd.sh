#!/bin/bash
# SPDX-License-Identifier: MIT
# lighttpd below the cache with its ways to send a file.
. "$(dirname "$0")/../lib.sh"
need lighttpd
. "$(dirname "$0")/suite_servers.inc"

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

lighttpd_with sendfile 0
lighttpd_with writev 2
[ -z "${RAWCACHE_TESTS_FULL:-}" ] || lighttpd_with write 0
done_testing
