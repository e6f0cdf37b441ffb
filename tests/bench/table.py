#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The medians of the runs: a table on stdout, JSON in a file.

usage: table.py DIRECTORY OUTPUT.json PATH... -- FLOWS...
"""
import json
import os
import statistics
import sys

directory, output = sys.argv[1:3]
split = sys.argv.index("--")
paths, flow_counts = sys.argv[3:split], sys.argv[split + 1:]

results = []
print(f"{'path':<18}{'flows':>8}{'ns/packet':>11}{'own ns':>9}   runs")
for flows in flow_counts:
    generator = None
    for path in paths:
        with open(f"{directory}/{path}.{flows}", encoding="ascii") as file:
            runs = [float(line) for line in file]
        median = statistics.median(runs)
        if generator is None:
            generator = median
        results.append({"path": path, "flows": int(flows), "devices": 1,
                        "ns_per_packet": median, "own_ns": round(median - generator, 1),
                        "runs": runs})
        print(f"{path:<18}{flows:>8}{median:>11.0f}{median - generator:>9.0f}   "
              + " ".join(f"{run:.0f}" for run in sorted(runs)))

with open(output, "w", encoding="ascii") as file:
    json.dump({"kernel": os.uname().release, "results": results}, file, indent=1)
    file.write("\n")
