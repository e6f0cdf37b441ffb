#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Very many devices behind one port: each says that it is there, and answers ARP for its address.

usage: crowd.py PORT GROUP COUNT RATE [SAYINGS]

Device n of group g has the MAC 02:00:00:g:hh:ll and the address 192.168.(100 + n / 250).(1 + n % 250);
RATE of them speak in a second. All of them speak SAYINGS (4) times, 2 s apart: a gateway that meets
many at once need not have noticed each.
"""
import select
import socket
import struct
import sys
import time

GATEWAY = bytes([192, 168, 0, 1])
BROADCAST = b"\xff" * 6


def mac(group, n):
    return bytes([2, 0, 0, group, n >> 8, n & 255])


def ipv4(n):
    return bytes([192, 168, 100 + n // 250, 1 + n % 250])


def arp(operation, source, sender, to, target):
    return (to + source + b"\x08\x06" + struct.pack("!HHBBH", 1, 0x800, 6, 4, operation) + source + sender +
            (b"\0" * 6 if to == BROADCAST else to) + target)


def speak(port, group, count, rate):
    began = time.monotonic()
    for n in range(count):
        port.send(arp(1, mac(group, n), ipv4(n), BROADCAST, GATEWAY))
        ahead = n / rate - (time.monotonic() - began)
        if ahead > 0.01:
            answer(port, group, count, time.monotonic() + ahead)


def answer(port, group, count, until):
    """Requests for the addresses of devices, until then."""
    while (left := until - time.monotonic()) > 0:
        if not select.select([port], [], [], left)[0]:
            return
        frame = port.recv(2048)
        if frame[12:14] != b"\x08\x06" or frame[20:22] != b"\0\1":
            continue
        a, b, c, d = frame[38:42]
        n = (c - 100) * 250 + d - 1
        if (a, b) == (192, 168) and 1 <= d <= 250 and 0 <= n < count:
            port.send(arp(2, mac(group, n), ipv4(n), frame[6:12], frame[28:32]))


def main():
    name, group, count, rate, *sayings = sys.argv[1:]
    group, count = int(group), int(count)
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
    port.bind((name, 0x806))
    for _ in range(int(*sayings or [4])):
        began = time.monotonic()
        speak(port, group, count, float(rate))
        answer(port, group, count, began + 2)
    answer(port, group, count, time.monotonic() + 86400)


main()
