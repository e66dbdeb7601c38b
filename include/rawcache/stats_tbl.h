/* SPDX-License-Identifier: MIT */
/*
 * The counters of rawcache, once: STAT(name, unit, description).
 *
 * From this list come struct rawcache_stats, the names in `rawcache stat`, its JSON and
 * Prometheus output, and the table in the man page. A counter keeps its place for ever (totals in images, programs
 * built with older headers): append to the second part; the layout version of the
 * runtime segment changes by itself, because it is computed from the size.
 */
#if !defined(STATS_PART) || STATS_PART == 1 /* of version 0.1.0: complete */
STAT(hits, "reads", "reads answered from the cache without waiting for the origin")
STAT(misses, "reads", "reads that needed the origin")
STAT(hit_bytes, "bytes", "bytes handed to programs from the cache")
STAT(miss_bytes, "bytes", "bytes handed to programs while they were being fetched")
STAT(opens_cached, "opens", "opens whose reads go through the cache")
STAT(opens_bypassed, "opens", "opens below a configured path that go to the origin")
STAT(mmap_reads, "reads", "reads copied out of the mapped image, without a system call")
STAT(mmap_bytes, "bytes", "bytes copied out of the mapped image")
STAT(mmap_skipped, "reads", "reads below the threshold on an extent that was still cold")
STAT(pread_reads, "reads", "reads of the image by a system call")
STAT(pread_bytes, "bytes", "bytes read from the image by a system call")
STAT(mapped_files, "maps", "mappings of files that were made of cache extents")
STAT(mapped_bytes, "bytes", "bytes of mappings that were made of cache extents")
STAT(sendfile_transfers, "calls", "transfers from the image to a descriptor inside the kernel")
STAT(sendfile_bytes, "bytes", "bytes transferred from the image inside the kernel")
STAT(elided_writes, "calls", "socket writes of cached bytes that were turned into sendfile")
STAT(elided_bytes, "bytes", "bytes of socket writes that were turned into sendfile")
STAT(fills, "extents", "extents stored")
STAT(fill_bytes, "bytes", "bytes stored")
STAT(fill_errors, "fills", "fills given up: nothing stored, the program had its bytes")
STAT(fill_waits, "waits", "waits for a fill that another thread or process had begun")
STAT(readahead_bytes, "bytes", "bytes fetched before a program asked for them")
STAT(origin_reads, "reads", "read calls made on origin files")
STAT(origin_bytes, "bytes", "bytes read from origin files")
STAT(evicted_regions, "regions", "regions recycled")
STAT(evicted_bytes, "bytes", "bytes dropped with recycled regions")
STAT(reinserted_bytes, "bytes", "bytes that were read again and stayed when their region was to be recycled")
STAT(verify_ok, "extents", "extents whose checksum was verified and right")
STAT(verify_failed, "extents", "extents whose checksum was wrong: dropped, the origin read")
STAT(stale_retries, "reads", "copies discarded because their region was recycled meanwhile")
STAT(io_errors, "errors", "errors of the image's own storage")
#endif
#if !defined(STATS_PART) || STATS_PART == 2 /* since 0.2.0: append */
STAT(names_hits, "names", "names answered as not existing without asking the origin")
STAT(names_checks, "looks", "looks at directories, whether they are as they were")
STAT(names_absent, "names", "names that were learnt not to exist")
STAT(tier_gets, "questions", "questions for a chunk put to the tier's servers")
STAT(tier_hits, "chunks", "chunks that came from the tier instead of the origin")
STAT(tier_hit_bytes, "bytes", "bytes that came from the tier instead of the origin")
STAT(tier_puts, "chunks", "chunks put into the tier")
STAT(tier_put_bytes, "bytes", "bytes put into the tier")
STAT(tier_put_dropped, "chunks", "chunks not put into the tier: too many were on their way")
STAT(tier_leases_won, "leases", "misses of the tier that this machine was to fetch for all")
STAT(tier_lease_waits, "waits", "waits for a chunk that another machine was fetching")
STAT(tier_lease_wait_us, "us", "time spent in these waits")
STAT(tier_timeouts, "questions", "answers of the tier that were late: the origin was read")
STAT(tier_skipped, "chunks", "chunks the tier was not asked for: a server failed, or it does not pay")
STAT(tier_bad, "values", "values of the tier that were not what this secret had sealed: the origin was read")
STAT(tier_differs, "chunks", "chunks that the tier and the origin had different bytes of: the data set is not shared any more")
STAT(tier_errors, "errors", "connections to the tier's servers that failed")
STAT(mapped_origin_bytes, "bytes", "bytes of mappings that stayed the origin's, or became so: not cached, or held while others needed the space")
STAT(frozen_names, "names", "questions about names and attributes answered from the record of a frozen tree")
STAT(frozen_lists, "listings", "listings of directories answered from the record of a frozen tree")
STAT(opens_frozen, "opens", "opens of small files answered from the record of a frozen tree")
STAT(opens_late, "opens", "files of a frozen tree opened at the origin after all: large, or for what a copy cannot answer")
STAT(frozen_touched, "changes", "changes by programs that took files out of the record of a frozen tree")
STAT(frozen_wrong, "files", "files that were not as the record of their frozen tree had them: it was thawed")
#endif
