#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# fragment_rules.py: fragments in order, out of order, overlapping, atomic, too many; both ways, both
# families. RFC 791, RFC 5722, RFC 6946, RFC 7915 sections 4 and 5.1.1. Device 1, UDP 60001 forwarded.

import itertools
import random
import time

import frames
from ends import (CLIENT4, CLIENT6, MAC_GW_LAN, Port, device_mac, done, dropped, lan4, ok, total, wan4, wan6)
from frames import FRAGMENT, UDP, address, fragment, fragments, packet

SERVICE, N = 60001, 1
client, dev = Port('client'), Port('dev1')
LAN_GATEWAY = address('192.168.1.1')
numbers = itertools.count(1)


class Way:
    """A session, in one of its directions."""

    def __init__(self, name, family, inbound):
        self.name, self.family, self.inbound = name, family, inbound
        self.client_port = 60100 + next(numbers)
        self.peer, self.wan = (CLIENT4, wan4(N)) if family == 4 else (CLIENT6, wan6(N))
        self.lan_peer = CLIENT4 if family == 4 else LAN_GATEWAY
        self.lan_port = self.client_port
        # What goes in first makes the session.
        dev.clear()
        client.send(device_mac(N), packet(frames.udp(b'first', self.client_port, SERVICE), UDP, self.peer, self.wan))
        self.lan_port = dev.expect(lambda p: p.proto == UDP and p.dport == SERVICE).sport

    def cut(self, size, most=1480):
        """A datagram of that size, in as few fragments as the link and `most` bytes of each allow."""
        return fragments(self.whole(size), min(most, 1480 if self.family == 4 or not self.inbound else 1448), next(numbers))

    def whole(self, size):
        self.data = random.randbytes(size)
        if self.inbound:
            return packet(frames.udp(self.data, self.client_port, SERVICE), UDP, self.peer, self.wan)
        return packet(frames.udp(self.data, SERVICE, self.lan_port), UDP, lan4(N), self.lan_peer)

    def send(self, pieces):
        source, to = (client, device_mac(N)) if self.inbound else (dev, MAC_GW_LAN)
        sink = dev if self.inbound else client
        sink.clear()
        for piece in pieces:
            source.send(to, piece)
        return sink

    def arrives(self, pieces, seconds=3):
        """The datagram that comes out, put together from what fragments it comes in; None if none does."""
        sink, parts, end = self.send(pieces), {}, None
        for p in sink.frames(seconds):
            if p.segment is None or p.proto != UDP:
                continue
            if not p.sound() or p.by != (MAC_GW_LAN if self.inbound else device_mac(N)):
                return b'unsound'
            parts[p.offset] = p.segment
            self.fragmented, self.largest = p.fragment, max(len(p.whole), getattr(self, 'largest', 0))
            if not p.more:
                end = p.offset + len(p.segment)
            if end is not None and sum(len(part) for part in parts.values()) == end:
                segment = b''.join(part for _, part in sorted(parts.items()))
                if frames.summed(segment, UDP, p.src, p.dst) != segment:
                    return b'wrong checksum'
                return segment[8:]
        return None


def through(way, name, pieces, seconds=3):
    got = way.arrives(pieces, seconds)
    ok(got == way.data, name, 'nothing' if got is None else f'{len(got)} bytes of {len(way.data)}: {got[:20]}')


def orders(way):
    for size, most in ((30, 8), (1473, 80), (3000, 1480), (8000, 1240), (30000, 1480)):
        pieces = way.cut(size, most)
        through(way, f'{way.name}: {size} bytes in {len(pieces)} fragments', pieces)
        through(way, '  from the last to the first', way.cut(size, most)[::-1])
        pieces = way.cut(size, most)
        random.shuffle(pieces)
        through(way, '  in no order', pieces)


def overlaps(way):
    """RFC 5722: what overlaps goes, and all of the packet with it. IPv4 has the same danger (RFC 1858, RFC 3128)."""
    before = dropped('fragment')
    for name, at, size in (('at its end', 1352, 64), ('in the middle', 1000, 1000)):
        ok(lied_to(way, at, size) is None, f'{way.name}: with an overlap {name} the packet goes nowhere')
    # Inside of what is there already it is taken for one sent twice: what came first stays.
    for name, at, size in (('inside', 8, 64), ('with its header again', 0, 24)):
        got = lied_to(way, at, size)
        ok(got is None or got == way.data, f'  one {name} changes nothing', got and got[:80])
    ok(dropped('fragment') > before, '  and is counted', dropped('fragment') - before)
    through(way, '  what is whole comes through afterwards', way.cut(3000))


def lied_to(way, at, size):
    whole, id_ = way.whole(3000), next(numbers)
    header = 20 if whole[0] >> 4 == 4 else 40
    pieces = fragments(whole, 1400, id_)
    lie = fragment(whole[:header], b'\xee' * size, at, True, id_)
    return way.arrives([pieces[0], lie, *pieces[1:]], 0.5)


def incomplete(way):
    pieces = way.cut(3000)
    ok(way.arrives(pieces[1:], 0.5) is None, f'{way.name}: without its first fragment nothing comes')
    pieces = way.cut(3000)
    ok(way.arrives(pieces[:-1], 0.5) is None, '  nor without its last')


def atomic(way):
    """RFC 6946: a fragment that is a whole packet is none, whatever else has its identification."""
    whole = way.whole(500)
    one = fragment(whole[:40], whole[40:], 0, False, 0x1234)
    assert frames.Packet(b'\0' * 12 + b'\x86\xdd' + one).fragment and one[6] == FRAGMENT
    ok(way.arrives([one]) == way.data, 'an atomic fragment passes')
    pending = fragments(way.whole(3000), 1400, 0x1234)[0]
    whole = way.whole(500)
    ok(way.arrives([pending, fragment(whole[:40], whole[40:], 0, False, 0x1234)]) == way.data,
       '  also while fragments with its identification wait')


def sizes(ways):
    """What is too long for the way out leaves in fragments that fit it."""
    for way in ways:
        way.largest = 0
        ok(way.arrives(way.cut(4000)) == way.data and way.fragmented and way.largest <= 1500,
           f'{way.name}: what comes out in fragments fits the link', way.largest)
        if way.family == 6 and not way.inbound:
            ok(way.largest <= 1280, '  and, towards IPv6, every link (RFC 7915 section 4)', way.largest)


def flood(way):
    """First fragments of packets that never become whole, more than anybody would keep."""
    before, began = dropped('fragment'), time.monotonic()
    sent = 0
    while sent < 6000 and time.monotonic() - began < 10:
        for piece in fragments(way.whole(1400), 1200, 0x10000 + sent)[:1]:
            (client if way.inbound else dev).send(device_mac(N) if way.inbound else MAC_GW_LAN, piece)
        sent += 1
    print(f'# {sent} fragments in {time.monotonic() - began:.1f} s, {dropped("fragment") - before} counted')
    data = way.whole(700)
    ok(way.arrives([data]) == way.data, f'{way.name}: under a flood of fragments a live session goes on')
    return sent


ways = [Way('4to4 in', 4, True), Way('4to4 out', 4, False), Way('6to4 in', 6, True), Way('6to4 out', 6, False)]
for each in ways:
    orders(each)
for each in ways:
    overlaps(each)
    incomplete(each)
atomic(ways[2])
sizes(ways)
ok(total('reassembled') > 60 and total('fragmented') > 0, 'all of it is counted', total('reassembled'), total('fragmented'))
for each in ways:
    flood(each)
done()
