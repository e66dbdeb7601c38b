#!/bin/bash
# SPDX-License-Identifier: MIT
# apache2 below the cache with its ways to send a file, and to serve many.
. "$(dirname "$0")/../lib.sh"
need apache2
[ -e /usr/lib/apache2/modules/mod_mpm_event.so ] || skip_all "apache2 has no mpm_event"
. "$(dirname "$0")/suite_servers.inc"

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

apache_with event On Off
apache_with event Off On
if [ -n "${RAWCACHE_TESTS_FULL:-}" ]; then
	apache_with event Off Off
	apache_with worker On On
	apache_with prefork Off Off
	apache_with prefork Off On
fi
done_testing
