# SPDX-License-Identifier: MIT
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = {f.name: f for f in text_string_to_metric_families(open(sys.argv[1]).read())}
hits = {s.name: s.value for s in families["rawcache_hits"].samples}
assert hits["rawcache_hits_total"] > 0 and hits["rawcache_hits_created"] == float(sys.argv[2]), hits
assert families["rawcache_miss_latency_seconds"].type == "histogram"
