#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tells how the agent bears many devices: a table and goals on stdout, JSON in a file.

usage: report.py RESULTS OUTPUT.json

RESULTS is the directory that scale.sh has written to. A missed goal is no failure: it is told, and by
how much.
"""
import json
import os
import pathlib
import statistics
import sys

OVERHEAD_GOAL = 1.2		# of what perfdhcp needs
RSS_GOAL_KIB = 12 * 1024
IDLE_GOAL_PERCENT = 0.5
WAN6 = "2001:db8:1:"
DISCOVER, SOLICIT = "1", "1"
REQUESTS = "3"			# DHCPv4's and DHCPv6's

results = pathlib.Path(sys.argv[1])


def figures():
    found = {}
    for line in (results / "figures").read_text().splitlines():
        name, _, value = line.partition(" ")
        found.setdefault(name, []).append(value)
    return found


def busiest_second(times):
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def read(file):
    """What left the gateway: when everybody first asked, had asked for what was offered in both families, and
    had announced each address."""
    times, asked, requested, bound, first = [], {}, {}, {}, {}
    for line in file.read_text().splitlines():
        at, mac, sender, target, icmp6, claimed, dhcp4, dhcp6 = (line.split("\t") + [""] * 8)[:8]
        at = float(at)
        times.append(at)
        if dhcp4 == DISCOVER or dhcp6 == SOLICIT:
            asked.setdefault(mac, at)
        if REQUESTS in (dhcp4, dhcp6):
            requested[mac] = max(at, requested.get(mac, at))
        if sender and sender == target:
            first.setdefault((mac, sender), at)
        elif icmp6 == "136" and claimed.startswith(WAN6):
            first.setdefault((mac, claimed), at)
    for (mac, _), at in first.items():
        bound[mac] = max(at, bound.get(mac, at))
    return sorted(times), asked, requested, bound


def measure(name, devices, rate):
    times, asked, requested, bound = read(results / f"{name}.frames")
    began = min(asked.values(), default=times[0])
    return {"run": name, "devices": devices, "rate": rate, "frames": len(times),
            "frames_per_device": round(len(times) / devices, 1),
            "busiest_second": busiest_second(times), "bound": len(bound),
            "seconds_asking": round(max(asked.values(), default=began) - began, 2),
            "seconds_requesting": round(max(requested.values(), default=began) - began, 2),
            "seconds_all_bound": round(max(bound.values()) - began, 2) if bound else None}


def goal(what, value, limit, unit):
    return {"goal": what, "value": round(value, 2), "limit": round(limit, 2), "unit": unit,
            "passed": value <= limit, "missed_by_percent": round((value / limit - 1) * 100, 1)}


def main():
    found = figures()
    runs = [measure(name[6:], *map(int, values[-1].split()))
            for name, values in found.items() if name.startswith("sizes.")]
    for run in runs:
        rss = found.get(f"rss-kib.{run['run']}")
        run["rss_kib"] = int(rss[-1]) if rss else None
        cpu = found.get(f"cpu-ms.{run['run']}")
        run["agent_cpu_seconds"] = int(cpu[-1]) / 1000 if cpu else None
    perfdhcp = [float(value) for value in found["perfdhcp"]]
    cold = [run["seconds_all_bound"] for run in runs if run["run"].startswith("cold")]
    rss = max(run["rss_kib"] for run in runs if run["run"].startswith(("cold", "default")))
    goals = [goal("all bound, of what perfdhcp needs for as many (medians)", statistics.median(cold),
                  statistics.median(perfdhcp) * OVERHEAD_GOAL, "s"),
             goal("RSS", rss, RSS_GOAL_KIB, "KiB"),
             goal("idle CPU", float(found["idle-percent"][-1]), IDLE_GOAL_PERCENT, "%")]
    goals += [goal(f"frames in any second, {run['run']}", run["busiest_second"], run["rate"], "")
              for run in runs if run["rate"] < 10000]

    print(f"{'run':<12}{'devices':>8}{'wan.rate':>9}{'requested':>11}{'all bound':>11}{'frames':>8}{'each':>6}"
          f"{'busiest s':>10}{'RSS KiB':>9}{'CPU s':>7}")
    for run in runs:
        bound = "" if run["seconds_all_bound"] is None else f"{run['seconds_all_bound']:.1f} s"
        print(f"{run['run']:<12}{run['devices']:>8}{run['rate']:>9}{run['seconds_requesting']:>9} s{bound:>11}{run['frames']:>8}"
              f"{run['frames_per_device']:>6}{run['busiest_second']:>10}{run['rss_kib'] or '':>9}"
              f"{run['agent_cpu_seconds'] or '':>7}")
    print("requested: the last lease; bound: probed by RFC 5227 and 4862, and announced")
    print("perfdhcp, avalanche, both families at once: " + " ".join(f"{s:.1f}" for s in perfdhcp) + " s")
    for one in goals:
        print(f"{'pass' if one['passed'] else 'MISS'}  {one['goal']:<58}{one['value']:>10} {one['unit']}, "
              f"limit {one['limit']} ({one['missed_by_percent']:+.0f} %)")

    with open(sys.argv[2], "w", encoding="utf-8") as file:
        json.dump({"kernel": os.uname().release, "perfdhcp_seconds": perfdhcp, "runs": runs, "goals": goals},
                  file, indent=1)
        file.write("\n")


main()
