#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tells what proxy.sh has measured: a table and goals on stdout, JSON in a file.

usage: proxy_report.py RESULTS OUTPUT.json
"""
import json
import os
import pathlib
import statistics
import sys

MEASURES = [("tcp", "TCP", "Mbit/s", 1e6, 5), ("connections", "connections", "/s", 1, 20)]
PLAIN, OURS, *PROGRAMS = WAYS = ["plain-ipv4", "doppel-6to4", "haproxy", "socat"]

results = pathlib.Path(sys.argv[1])
report = {"kernel": os.uname().release, "results": [], "goals": []}
for name, title, unit, scale, times in MEASURES:
    medians = {}
    for way in WAYS:
        runs = [float(line) / scale for line in (results / f"{name}.{way}").read_text().split()]
        medians[way] = statistics.median(runs)
        report["results"].append({"way": way, "measure": name, "unit": unit,
                                  "median": round(medians[way], 1), "runs": runs})
        print(f"{way:<14}{title:<13}{medians[way]:>9.1f} {unit:<8}"
              + " ".join(f"{run:.0f}" for run in sorted(runs)))
    for way in PROGRAMS:
        ratio = medians[OURS] / medians[way]
        report["goals"].append({"goal": f"{name}, times {way}", "value": round(ratio, 2),
                                "limit": times, "passed": ratio >= times,
                                "plain": round(medians[PLAIN] / medians[way], 2)})
for goal in report["goals"]:
    print(f"{'pass' if goal['passed'] else 'MISS'}  {goal['goal']}: {goal['value']:.2f}, "
          f"limit {goal['limit']}; plain routing has {goal['plain']:.2f}")
with open(sys.argv[2], "w", encoding="utf-8") as file:
    json.dump(report, file, indent=1)
    file.write("\n")
