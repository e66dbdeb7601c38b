/* SPDX-License-Identifier: MIT */
/*
 * The environment variables, once: CONFIG(NAME, field, parser, default, description).
 * They are read together by config_load(); names are without the RAWCACHE_ prefix.
 */
CONFIG(PATHS, paths, paths, "", "':'-separated absolute directories to cache; !DIR excludes one")
CONFIG(DEVICE, device, string, "", "image file or block device")
CONFIG(SIZE, size, size, "0", "size of the image when it is created")
CONFIG(MMAP_THRESHOLD, mmap_threshold, size_or_auto, "auto",
	"smallest read served from the mapping of a cold extent: auto or a size")
CONFIG(RESIDENT, resident, size, "256M",
	"how much of the image a process keeps in its page tables for reads; more is read by system calls")
CONFIG(SENDFILE, sendfile, boolean, "1", "0: never sendfile from the cache")
CONFIG(TTL, ttl, seconds, "0", "seconds after which a stored extent is a miss; 0: never")
CONFIG(READAHEAD, readahead, size, "8M", "largest read-ahead window")
CONFIG(IO, io, io, "auto", "how fills do their I/O: auto, io_uring, threads or sync")
CONFIG(DIRECT, direct, boolean, "0", "1: fills write with O_DIRECT")
CONFIG(KEEP, keep_origin, boolean, "0", "1: leave the origin's bytes in the page cache after a fill")
CONFIG(SETTLE, settle_ms, milliseconds, "2", "seconds a file must have been unchanged before it is stored")
CONFIG(REVALIDATE, revalidate_ms, revalidate, "1000",
	"when files that are open are looked at again: after so many milliseconds at the latest, never (open), or"
	" after 1000 and asking the server each time, at open, too (sync)")
CONFIG(TRUST, trust, boolean, "0",
	"1: files do not change while they are read; their mount is believed without asking its server, and files"
	" on rclone, gcsfuse, davfs2 and the like are cached")
CONFIG(NAMES, names, auto, "auto",
	"whether names that do not exist are remembered: auto, where directories are known to tell of new ones; "
	"1, everywhere; 0, nowhere")
CONFIG(OPENAHEAD, openahead, auto, "auto",
	"whether files are opened before a program asks for them, in their directory's order or in that of its last run: "
	"auto, with RAWCACHE_TRUST=1; 1, on all mounts but SMB; 0, nowhere")
CONFIG(FROZEN, frozen, paths, "",
	"':'-separated directories that are one version until they are thawed: DIR or DIR=TIME, as in /opt/app=10m; "
	"their names, attributes and small files come from the record that `rawcache warm --frozen` makes")
CONFIG(VERIFY, verify, verify, "boot", "when checksums are verified: boot, always or never")
CONFIG(SKIP, skip, string, "", "':'-separated names of programs that are left alone")
CONFIG(RUNTIME_DIR, runtime_dir, string, "", "directory of the runtime segment; empty: POSIX shared memory")
CONFIG(SHARED, shared, boolean, "0", "1: accept an image that other users may write")
CONFIG(EARLY, early, boolean, "0",
	"1: a program of root attaches before it becomes another user or enters a chroot (`rawcache run` sets it "
	"for root)")
CONFIG(LOG, log, string, "", "log file; a trailing '-' appends the process id")
CONFIG(LOG_LEVEL, log_level, log_level, "warn", "error, warn, info or debug")
CONFIG(DISABLE, disable, boolean, "0", "1: the shim does nothing")
CONFIG(TIER, tier, tier, "", "memcached servers that machines share what they read by: HOST:PORT or unix:PATH, separated by commas; empty: none")
CONFIG(TIER_KEY, tier_key, string, "", "file with the tier's secret: 32 bytes or 64 hexadecimal digits, which nobody else may read")
CONFIG(TIER_NAME, tier_name, string, "", "the names of data sets that machines share: DIR=NAME, separated by ':'; DIR=- shares nothing below DIR; an NFS mount that is not named has its server's name")
CONFIG(TIER_MODE, tier_mode, tier_mode, "rw", "rw, ro: put nothing into the tier, or off")
CONFIG(TIER_TTL, tier_ttl, seconds, "0", "seconds after which the servers forget a chunk, 30 days at most; 0: never")
CONFIG(TIER_EPOCH, tier_epoch, number, "0", "a number; where it is raised nothing is used that the tier had before")
CONFIG(TIER_PREFER, tier_prefer, boolean, "0", "1: ask the tier also where it is no faster than the origin, because requests to that cost money")
