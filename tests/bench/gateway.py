#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes a gateway with one bound device in this network namespace, by the YNL client.

usage: gateway.py YNL-DIRECTORY SPEC MAC LAN-IPV4 WAN-IPV4 WAN-IPV6 UDP-PORT
"""
import ipaddress
import pathlib
import socket
import sys

ynl_directory, spec, mac, lan4, wan4, wan6, port = sys.argv[1:]
sys.path.insert(0, ynl_directory)
from lib import YnlFamily  # noqa: E402


def ipv4(text):
    return int(ipaddress.IPv4Address(text))


def raw(text):
    return ipaddress.ip_address(text).packed.hex()


schema = pathlib.Path(ynl_directory).parents[2] / "Documentation/netlink/genetlink.yaml"
family = YnlFamily(spec, schema=str(schema))
family.do("gateway-set", {
    "lan-ifindex": socket.if_nametoindex("lan0"),
    "wan-ifindex": socket.if_nametoindex("wan0"),
    "lan-ipv4": ipv4("192.168.1.1"),
    "lan-prefix-len": 24,
    "identity": "devices-only",
})
mac = mac.replace(":", "")
family.do("device-add", {
    "mac": mac,
    "lan-ipv4": ipv4(lan4),
    "wan-ipv4": ipv4(wan4),
    "wan-prefix-len": 24,
    "wan-router": ipv4("10.1.2.1"),
    "link-local": raw("fe80::1:50"),
    "wan-ipv6": {"address": [{"ipv6": raw(wan6), "prefix-len": 64}]},
})
family.do("forward-add", {"mac": mac, "protocol": socket.IPPROTO_UDP, "port": int(port)})
