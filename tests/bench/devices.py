# SPDX-License-Identifier: GPL-2.0-only
"""The devices of the benchmark: device n has the first one's MAC and addresses plus n.

usage: devices.py neighbours COUNT MAC IPV4 WORD...: a line of ip's for each, with WORDs at its end
"""
import ipaddress
import sys


def mac(first, n):
    """As six bytes."""
    return (int(first.replace(":", ""), 16) + n).to_bytes(6, "big")


def address(first, n):
    return ipaddress.ip_address(first) + n


def main():
    _, count, first_mac, first4, *words = sys.argv[1:]
    for n in range(int(count)):
        print("neigh add", address(first4, n), "lladdr", mac(first_mac, n).hex(":"), *words)


if __name__ == "__main__":
    main()
