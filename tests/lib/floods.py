#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# floods.py answered N FIRST COUNT    UDP sessions that device N begins and the client answers, COUNT of
#                                     them from port FIRST on; prints how many did come out
# floods.py syn N PORT COUNT          SYNs from the WAN, each from a source of its own
# floods.py arp COUNT                 requests for addresses of devices and of nobody
# floods.py nd COUNT                  solicitations, likewise
# floods.py scan N COUNT              a device that knocks at each address of the link

import random
import struct
import sys

import frames
from ends import CLIENT4, CLIENT6, MAC_GW_LAN, Port, device_mac, lan4, wan4, wan6
from frames import ICMP6, SYN, TCP, UDP, packet

PEER_PORT = 60002


def answered(n, first, count):
    n, first, count = int(n), int(first), int(count)
    client, dev = Port('client'), Port(f'dev{n}')
    out = 0
    for port in range(first, first + count):
        dev.send(MAC_GW_LAN, packet(frames.udp(b'begin', port, PEER_PORT), UDP, lan4(n), CLIENT4))
        # A refused one has no answer to wait for: softirq has run by now.
        came = client.expect(lambda p: p.proto == UDP and p.sport == port, 0.2 if out == port - first else 0.01)
        if came:
            out += 1
            client.send(device_mac(n), packet(frames.udp(b'answer', PEER_PORT, port), UDP, CLIENT4, wan4(n)))
            # One answer is what anybody gets: they talk when the device goes on.
            dev.send(MAC_GW_LAN, packet(frames.udp(b'go on', port, PEER_PORT), UDP, lan4(n), CLIENT4))
    print(out)


def syn(n, port, count):
    client = Port('client')
    to, wan = device_mac(int(n)), wan4(int(n))
    for i in range(int(count)):
        source = bytes([11, *random.randbytes(3)])
        client.send(to, packet(frames.tcp(1024 + i % 60000, int(port), flags=SYN), TCP, source, wan))


def arp(count):
    client = Port('client')
    for i in range(int(count)):
        target = wan4(i % 3) if i % 2 else bytes([10, 1, 2, i % 256])
        # Nobody's whose address would be poisoned
        source = bytes([10, 1, 2, random.randrange(210, 250)])
        client.send(b'\xff' * 6, struct.pack('!HHBBH6s4s6s4s', 1, 0x800, 6, 4, 1, client.mac, source, bytes(6), target), frames.ARP)


def nd(count):
    client = Port('client')
    for i in range(int(count)):
        target = wan6(i % 3) if i % 2 else CLIENT6[:8] + random.randbytes(8)
        group = bytes.fromhex('ff0200000000000000000001ff') + target[13:]
        body = frames.icmp(135, 0, target + b'\1\1' + client.mac)
        source = CLIENT6[:8] + random.randbytes(8)
        client.send(b'\x33\x33' + group[12:], packet(body, ICMP6, source, group, hops=255))


def scan(n, count):
    dev = Port(f'dev{n}')
    for i in range(int(count)):
        # Inside of the identity's own network, so that each has to be asked for
        target = bytes([10, 1, 2 + i // 250 % 2, 1 + i % 250])
        dev.send(MAC_GW_LAN, packet(frames.udp(b'knock', 40000 + i % 20000, 9), UDP, lan4(int(n)), target))


{'answered': answered, 'syn': syn, 'arp': arp, 'nd': nd, 'scan': scan}[sys.argv[1]](*sys.argv[2:])
