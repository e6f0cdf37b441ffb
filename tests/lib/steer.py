#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# steer.py KERNEL-SOURCE LAN-IFINDEX WAN-IFINDEX
#
# A gateway with dev1 as an agent would leave it in the module, by the kernel tree's YNL client.

import ipaddress
import sys

sys.path.insert(0, sys.argv[1] + '/tools/net/ynl')
from lib import YnlFamily  # noqa: E402


def ip4(text):
    return int(ipaddress.IPv4Address(text))


def ip6(text):
    return ipaddress.IPv6Address(text).packed


MAC = bytes([2, 0, 0, 0, 0, 1])
ynl = YnlFamily('uapi/doppel.yaml', '')
ynl.do('gateway-set', {'lan-ifindex': int(sys.argv[2]), 'wan-ifindex': int(sys.argv[3]),
                       'lan-ipv4': ip4('192.168.1.1'), 'lan-prefix-len': 24})
ynl.do('device-add', {'mac': MAC, 'lan-ipv4': ip4('192.168.1.50'), 'wan-ipv4': ip4('10.1.2.50'), 'wan-prefix-len': 24,
                      'wan-router': ip4('10.1.2.1'), 'link-local': ip6('fe80::ff:fe00:1'),
                      'wan-ipv6': {'address': [{'ipv6': ip6('2001:db8:1::ff:fe00:1'), 'prefix-len': 64}]}})
for protocol, port in ((6, 80), (17, 5000)):
    ynl.do('forward-add', {'mac': MAC, 'protocol': protocol, 'port': port, 'to': port})
