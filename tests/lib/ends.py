# SPDX-License-Identifier: GPL-2.0-only
"""The room of datapath.sh from both ends: frames sent from a port of one namespace, seen at another's."""

import json
import os
import select
import socket
import struct
import sys
import time

from frames import Packet, address, mac
from netns import inside

CLIENT4, CLIENT6 = address('10.1.2.200'), address('2001:db8:1::200')
MAC_CLIENT, MAC_GW_LAN = mac('02:00:00:00:f0:02'), mac('02:00:00:00:fe:01')
ETH_P_ALL = 3
PACKET_OUTGOING = 4
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33

failures = 0


def ok(good, name, *why):
    global failures
    print(('ok - ' if good else 'not ok - ') + name, flush=True)
    if not good:
        failures += 1
        for line in why:
            print('#  ', line, flush=True)
    return good


def done():
    sys.exit(failures != 0)


def device_mac(n):
    return bytes([2, 0, 0, 0, 0, n])


def lan4(n):
    return address(f'192.168.1.{100 + n}')


def wan4(n):
    return address(f'10.1.2.{100 + n}')


def wan6(n):
    return address(f'2001:db8:1::ff:fe00:{n:x}')


room = socket.create_connection(('127.0.0.1', int(os.environ['ROOM']))).makefile('rw', newline='\n')


def steer(line):
    """One thing asked of the module, and its answer."""
    room.write(f'steer {line}\n')
    room.flush()
    return json.loads(room.readline())


def dropped(reason):
    return next(d['packets'] for d in steer('stats-get')['drop'] if d['reason'] == reason)


def total(name):
    return next(t['value'] for t in steer('stats-get')['total'] if t['of'] == name)


class Port:
    """A port of a namespace: what is sent leaves by it, what it gets is seen."""

    def __init__(self, netns, name='eth0'):
        with inside(netns):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            self.sock.bind((name, ETH_P_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        self.sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 24)
        self.mac = self.sock.getsockname()[4]

    def send(self, to, packet, ethertype=None):
        if ethertype is None:
            ethertype = 0x800 if packet[0] >> 4 == 4 else 0x86dd
        self.sock.send(to + self.mac + struct.pack('!H', ethertype) + packet)

    def clear(self):
        while select.select([self.sock], [], [], 0)[0]:
            self.sock.recv(65535)

    def frames(self, seconds):
        """What comes in within that time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self.sock], [], [], left)[0]:
                return
            data, origin = self.sock.recvfrom(65535)
            if origin[2] != PACKET_OUTGOING:
                yield Packet(data)

    def expect(self, match, seconds=3):
        """The first packet that matches; None if none comes."""
        return next((p for p in self.frames(seconds) if p.segment is not None and match(p)), None)

    def silent(self, match, seconds=0.5):
        """Nothing that matches comes."""
        return self.expect(match, seconds) is None

    def all(self, match, seconds=1):
        return [p for p in self.frames(seconds) if p.segment is not None and match(p)]
