#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a gateway with bound devices in this network namespace, by the YNL client.

usage: gateway.py YNL-DIRECTORY SPEC DEVICES MAC LAN-IPV4 WAN-IPV4 WAN-IPV6 PORT FORWARDS SESSIONS
                  [ALIAS-IPV4 HOST-IPV6]

The addresses are the first device's. FORWARDS ports from PORT on lead in to it, UDP and TCP, and
the first of them to the others. With an alias: the IPv6 host has that IPv4 address on the LAN.
"""
import os
import socket
import sys

import devices

ynl_directory, spec, count, mac, lan4, wan4, wan6, port, forwards, sessions, *alias = sys.argv[1:]
sys.path.insert(0, ynl_directory)
from lib import NlError, YnlFamily  # noqa: E402


def ipv4(address):
    return int(devices.address(address, 0))


family = YnlFamily(spec, "")


def do(command, attributes):
    try:
        family.do(command, attributes)
    except NlError as error:
        sys.exit(f"gateway.py: {command}: {os.strerror(-error.error)}")


do("gateway-set", {
    "lan-ifindex": socket.if_nametoindex("lan0"),
    "wan-ifindex": socket.if_nametoindex("wan0"),
    "lan-ipv4": ipv4("192.168.0.1"),
    "lan-prefix-len": 16,
    "identity": "devices-only",
    "max-devices": 65536,
    "max-sessions": int(sessions),
    "max-device-sessions": int(sessions),
})
for n in range(int(count)):
    name = devices.mac(mac, n).hex()
    do("device-add", {
        "mac": name,
        "lan-ipv4": int(devices.address(lan4, n)),
        "wan-ipv4": int(devices.address(wan4, n)),
        "wan-prefix-len": 16,
        "wan-router": ipv4("10.1.0.1"),
        "link-local": devices.address("fe80::1:1", n).packed.hex(),
        "wan-ipv6": {"address": [{"ipv6": devices.address(wan6, n).packed.hex(), "prefix-len": 64}]},
    })
    for step in range(1 if n else int(forwards)):
        for protocol in (socket.IPPROTO_UDP, socket.IPPROTO_TCP):
            do("forward-add", {"mac": name, "protocol": protocol, "port": int(port) + step})
if alias:
    do("mapping-add", {"ipv4": ipv4(alias[0]), "ipv6": devices.address(alias[1], 0).packed.hex()})
