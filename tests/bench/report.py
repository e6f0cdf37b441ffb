#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tells what was measured: tables and goals on stdout, JSON in a file.

usage: report.py RESULTS OUTPUT.json

RESULTS is the directory that datapath.sh, streams.sh and sessions.sh have written to. A missed goal
is no failure: it is told, and by how much.
"""
import json
import os
import pathlib
import statistics
import sys

PATHS = ["generator", "redirect", "plain-ipv4", "flowtable-nat44", "conntrack-nat44", "jool-nat64",
         "jool-siit", "doppel-4to4", "doppel-6to4", "doppel-4to6"]
# doppel-6to4's own cost is at most so many times another path's.
OWN_GOALS = [("flowtable-nat44", 1), ("plain-ipv4", 1), ("redirect", 1.8), ("jool-nat64", 0.2)]
TCP_GOAL = 0.95
RATE_GOAL = 300000
SESSION_BYTES_GOAL = 256

results = pathlib.Path(sys.argv[1])


def lines(name):
    file = results / name
    return [float(line) for line in file.read_text().split()] if file.exists() else []


def costs():
    """What a packet costs, by path, flows and devices: the rows of the table."""
    rows = []
    loads = sorted({tuple(map(int, file.name.split(".")[1:])) for file in (results / "ns").iterdir()},
                   key=lambda load: (load[1], load[0]))
    for flows, devices in loads:
        generator = statistics.median(lines(f"ns/generator.{flows}.{devices}"))
        for path in PATHS:
            runs = lines(f"ns/{path}.{flows}.{devices}")
            if runs:
                median = statistics.median(runs)
                rows.append({"path": path, "flows": flows, "devices": devices,
                             "ns_per_packet": round(median, 1),
                             "own_ns": round(median - generator, 1), "runs": runs})
    return rows


def goal(what, value, limit, unit, at_most):
    """A goal, and how far it was missed: in per cent of the limit, negative where there was room."""
    miss = (value / limit - 1) * 100 if at_most else (1 - value / limit) * 100
    return {"goal": what, "value": round(value, 1), "limit": round(limit, 1), "unit": unit,
            "passed": miss <= 0, "missed_by_percent": round(miss, 1)}


def own_goals(rows):
    own = {(row["path"], row["flows"], row["devices"]): row["own_ns"] for row in rows}
    for (path, flows, devices), value in own.items():
        if path != "doppel-6to4":
            continue
        for other, times in OWN_GOALS:
            if (other, flows, devices) in own:
                name = other if times == 1 else f"{times:g} × {other}"
                yield goal(f"doppel-6to4 ≤ {name}, {flows} flows, {devices} devices", value,
                           own[other, flows, devices] * times, "ns", True)


def tcp_goals(tcp):
    for direction in "up", "down":
        plain = tcp.get(f"plain-ipv4.{direction}")
        for path in "doppel-4to4", "doppel-6to4":
            mine = tcp.get(f"{path}.{direction}")
            if plain and mine:
                yield goal(f"{path} TCP {direction} ≥ {TCP_GOAL:.0%} of plain-ipv4", mine / 1e6,
                           plain / 1e6 * TCP_GOAL, "Mbit/s", False)


def capacity_goals(rates, sizes):
    for path, rate in rates.items():
        yield goal(f"{path} new sessions", rate, RATE_GOAL, "/s", False)
    if "session_object" in sizes:
        yield goal("a session", sizes["session_object"], SESSION_BYTES_GOAL, "bytes", True)


def print_costs(rows):
    print(f"{'path':<17}{'flows':>9}{'devices':>9}{'ns/packet':>11}{'own ns':>8}   runs")
    load = None
    for row in rows:
        if load not in (None, (row["flows"], row["devices"])):
            print()
        load = row["flows"], row["devices"]
        print(f"{row['path']:<17}{row['flows']:>9}{row['devices']:>9}{row['ns_per_packet']:>11.0f}"
              f"{row['own_ns']:>8.0f}   " + " ".join(f"{run:.0f}" for run in sorted(row["runs"])))


def main():
    rows = costs()
    missing = {file.name: file.read_text().strip() for file in (results / "why").iterdir()}
    tcp = {file.name: statistics.median(lines(f"tcp/{file.name}"))
           for file in sorted((results / "tcp").glob("*"))}
    rates = {file.name.split(".", 1)[1]: statistics.median(lines(file.name))
             for file in sorted(results.glob("rate.*"))}
    sizes = {name.replace("-", "_"): int(lines(name)[0])
             for name in ("session-object", "session-bytes", "device-bytes") if lines(name)}
    goals = [*own_goals(rows), *tcp_goals(tcp), *capacity_goals(rates, sizes)]

    print_costs(rows)
    for path, why in missing.items():
        print(f"{path:<17} not measured: {why}")
    print()
    for name, value in tcp.items():
        print(f"TCP {name:<24}{value / 1e6:>10.0f} Mbit/s")
    for path, rate in rates.items():
        print(f"new sessions {path:<15}{rate:>10.0f} /s")
    for name, value in sizes.items():
        print(f"{name.replace('_', ' '):<28}{value:>10} bytes")
    print()
    for one in goals:
        verdict = "pass" if one["passed"] else "MISS"
        print(f"{verdict}  {one['goal']:<58}{one['value']:>10.0f} {one['unit']}, "
              f"limit {one['limit']:.0f} ({one['missed_by_percent']:+.0f} %)")

    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"kernel": os.uname().release, "results": rows, "not_measured": missing,
                   "tcp_bits_per_second": tcp, "new_sessions_per_second": rates,
                   "bytes": sizes, "goals": goals}, file, indent=1, ensure_ascii=False)
        file.write("\n")


main()
