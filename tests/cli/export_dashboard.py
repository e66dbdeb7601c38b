# SPDX-License-Identifier: MIT
import json, sys
board = json.load(open(sys.argv[1]))
assert board["panels"] and all(p["targets"] for p in board["panels"])
for panel in board["panels"]:
    for target in panel["targets"]:
        print(target["expr"].replace("$__rate_interval", "5m").replace("$__range", "1h").replace("$instance", ".*"))
