#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Makes the frame that tests/bench/blast.c wants, in hex: UDP of 100 bytes, or a TCP SYN.

usage: frame.py udp|syn SOURCE-MAC DEST-MAC SOURCE-ADDRESS DEST-ADDRESS SOURCE-PORT DEST-PORT
"""
import ipaddress
import socket
import struct
import sys

protocol, *macs = sys.argv[1:4]
source, dest = (ipaddress.ip_address(address) for address in sys.argv[4:6])
ports = [int(port) for port in sys.argv[6:8]]

PACKET = 100
HEADER = 20 if source.version == 4 else 40
TTL = 64


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_checksum(segment, number, offset):
    pseudo = source.packed + dest.packed + struct.pack("!II", len(segment), number)
    return (segment[:offset] + struct.pack("!H", checksum(pseudo + segment)) +
            segment[offset + 2:])


if protocol == "udp":
    number = socket.IPPROTO_UDP
    length = PACKET - HEADER
    payload = bytes(length - 8)
    segment = with_checksum(struct.pack("!4H", *ports, length, 0) + payload, number, 6)
else:
    number = socket.IPPROTO_TCP
    mss = struct.pack("!BBH", 2, 4, 1400)
    segment = with_checksum(
        struct.pack("!HHIIBBHHH", *ports, 1, 0, 6 << 4, 0x02, 65535, 0, 0) + mss, number, 16)

if source.version == 4:
    header = struct.pack("!BBHHHBBH", 0x45, 0, HEADER + len(segment), 0, 0, TTL, number, 0)
    header += source.packed + dest.packed
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
else:
    header = struct.pack("!IHBB", 6 << 28, len(segment), number, TTL)
    header += source.packed + dest.packed

ethernet = b"".join(bytes.fromhex(mac.replace(":", "")) for mac in reversed(macs))
ethernet += struct.pack("!H", 0x0800 if source.version == 4 else 0x86dd)
print((ethernet + header + segment).hex())
