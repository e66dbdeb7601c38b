# SPDX-License-Identifier: MIT
import json
stat = json.load(open('stat.json'))
names = json.load(open('list.json'))
assert stat['version'] == 1
assert set(stat) == {'version', 'image', 'totals', 'processes'}, set(stat)
for counter in names['counters']:
    assert isinstance(stat['totals'][counter['name']], int), counter
for reason in names['passthrough']:
    assert isinstance(stat['totals']['passthrough'][reason['name']], int), reason
for latency in names['latencies']:
    assert set(stat['totals'][latency['name']]) == {'count', 'p50', 'p90', 'p99'}, latency
assert stat['image']['size'] == 32 << 20
