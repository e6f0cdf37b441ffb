#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# reach.py SECONDS
#
# What gets from one namespace to another: an echo request, a TCP connection to port 80 and a datagram to
# it. For each line on stdin, `BY AT ADDRESS` as often as wanted, it says what got there, all of them tried
# at once: `laptop→desk: ping tcp udp`, in order, those of which nothing did left out.

import errno
import select
import socket
import struct
import sys
import time

import traffic
from netns import inside

PORT = 80
ECHO, ECHO6, REPLY, REPLY6 = 8, 128, 0, 129
places = {}


class Place:
    """Answers in its namespace: connections by the kernel, datagrams when one looks."""

    def __init__(self, netns):
        self.tcp = traffic.listener(netns, PORT, socket.SOCK_STREAM)
        self.udp = traffic.listener(netns, PORT, socket.SOCK_DGRAM)
        self.tcp.setblocking(False)
        self.udp.setblocking(False)

    def answer(self):
        try:
            asked, origin = self.udp.recvfrom(100)
            self.udp.sendto(asked, origin)
        except OSError:
            pass

    def take(self):
        try:
            self.tcp.accept()[0].close()
        except OSError:
            pass


def echo_request(family, mark):
    """With a checksum of its own for IPv4; IPv6's is the kernel's."""
    if family == socket.AF_INET6:
        return struct.pack('!BBHHH', ECHO6, 0, 0, mark, 1)
    return struct.pack('!BBHHH', ECHO, 0, 0xffff - (ECHO << 8) - mark - 1, mark, 1)


def is_reply(family, mark, data):
    """To this very request: a raw socket that is not connected yet gets everybody's."""
    echo = data if family == socket.AF_INET6 else data[(data[0] & 15) * 4:]
    kind, _, _, its = struct.unpack('!BBHH', echo[:6])
    return (kind, its) == (REPLY6 if family == socket.AF_INET6 else REPLY, mark)


class Probe:
    def __init__(self, mark, by, at, address):
        self.name, self.came, self.refused = f'{by}→{at}', set(), False
        self.mark = mark
        self.family = socket.AF_INET6 if ':' in address else socket.AF_INET
        icmp = socket.IPPROTO_ICMPV6 if self.family == socket.AF_INET6 else socket.IPPROTO_ICMP
        with inside(by):
            self.sockets = {'ping': socket.socket(self.family, socket.SOCK_RAW, icmp),
                            'tcp': socket.socket(self.family, socket.SOCK_STREAM),
                            'udp': socket.socket(self.family, socket.SOCK_DGRAM)}
        for kind, sock in self.sockets.items():
            sock.setblocking(False)
            if sock.connect_ex((address, 0 if kind == 'ping' else PORT)) not in (0, errno.EINPROGRESS):
                continue
            if kind != 'tcp':
                sock.send(echo_request(self.family, self.mark) if kind == 'ping' else b'hello')

    def look(self, kind):
        sock = self.sockets[kind]
        try:
            if kind == 'tcp':
                sock.getpeername()
            elif kind == 'udp':
                sock.recv(100)
            elif not is_reply(self.family, self.mark, sock.recv(1000)):
                return
            self.came.add(kind)
        except OSError:
            self.refused = self.refused or kind == 'tcp'

    def end(self):
        for sock in self.sockets.values():
            sock.close()


def reach(seconds, triples):
    for _, at, _ in triples:
        if at not in places:
            places[at] = Place(at)
    probes = [Probe(mark, *triple) for mark, triple in enumerate(triples, 1)]
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(len(p.came) < 3 for p in probes):
        reading = {p.sockets[kind]: (p, kind) for p in probes for kind in ('ping', 'udp') if kind not in p.came}
        writing = {p.sockets['tcp']: (p, 'tcp') for p in probes if 'tcp' not in p.came and not p.refused}
        listening = {p.udp: p.answer for p in places.values()} | {p.tcp: p.take for p in places.values()}
        readable, writable, _ = select.select([*reading, *listening], writing, [], 0.2)
        for sock in readable:
            if sock in listening:
                listening[sock]()
            else:
                probe, kind = reading[sock]
                probe.look(kind)
        for sock in writable:
            probe, kind = writing[sock]
            probe.look(kind)
    for probe in probes:
        probe.end()
    return '; '.join(sorted(f"{p.name}: {' '.join(sorted(p.came))}" for p in probes if p.came))


print('ok', flush=True)
for line in sys.stdin:
    words = line.split()
    print(reach(float(sys.argv[1]), [words[i:i + 3] for i in range(0, len(words), 3)]), flush=True)
