# SPDX-License-Identifier: GPL-2.0-only
"""Frames byte by byte: making them, wrong ones too, and reading them. Addresses are bytes."""

import ipaddress
import struct

ARP, IP, IP6 = 0x806, 0x800, 0x86dd
ICMP, TCP, UDP, FRAGMENT, ICMP6 = 1, 6, 17, 44, 58
FIN, SYN, RST, ACK = 1, 2, 4, 16


def address(text):
    return ipaddress.ip_address(text).packed


def mac(text):
    return bytes.fromhex(text.replace(':', ''))


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ipv4(payload, proto, src, dst, ihl=5, version=4, total=None, ttl=64, frag=0, sum_=None, options=b'', id_=1, tos=0):
    if total is None:
        total = 20 + len(options) + len(payload)
    head = struct.pack('!BBHHHBBH4s4s', version << 4 | ihl, tos, total, id_, frag, ttl, proto, 0, src, dst) + options
    return head[:10] + struct.pack('!H', checksum(head) if sum_ is None else sum_) + head[12:] + payload


def ipv6(payload, proto, src, dst, length=None, hops=64, version=6):
    return struct.pack('!IHBB16s16s', version << 28, len(payload) if length is None else length, proto, hops,
                       src, dst) + payload


def tcp(sport, dport, doff=5, flags=SYN, extra=b'', seq=1, ack=0, window=1024):
    return struct.pack('!HHIIBBHHH', sport, dport, seq & 0xffffffff, ack & 0xffffffff, doff << 4, flags, window, 0, 0) + extra


def udp(payload, sport, dport, length=None):
    return struct.pack('!HHHH', sport, dport, 8 + len(payload) if length is None else length, 0) + payload


def icmp(type_, code, body, info=0):
    return struct.pack('!BBHI', type_, code, 0, info) + body


CHECKSUM_AT = {ICMP: 2, TCP: 16, UDP: 6, ICMP6: 2}


def summed(segment, proto, src, dst):
    """The segment with its checksum, which the pseudo header's addresses are part of."""
    at = CHECKSUM_AT[proto]
    segment = segment[:at] + b'\0\0' + segment[at + 2:]
    pseudo = b'' if proto == ICMP else src + dst + struct.pack('!II', len(segment), proto)
    value = checksum(pseudo + segment) or (0xffff if proto == UDP else 0)
    return segment[:at] + struct.pack('!H', value) + segment[at + 2:]


def packet(segment, proto, src, dst, **more):
    """IPv4 or IPv6, as the addresses are, right in every field."""
    if len(src) == 4:
        return ipv4(summed(segment, proto, src, dst), proto, src, dst, **more)
    return ipv6(summed(segment, proto, src, dst), proto, src, dst, **more)


def fragments(whole, size, id_=0x7777):
    """The packet cut into fragments with `size` bytes of data at most, in order."""
    if whole[0] >> 4 == 4:
        head, data = whole[:20], whole[20:]
    else:
        head, data = whole[:40], whole[40:]
    size &= ~7
    return [fragment(head, data[at:at + size], at, at + size < len(data), id_) for at in range(0, len(data), size)]


def fragment(head, data, at, more, id_):
    """One fragment of a packet with this IPv4 or IPv6 header."""
    if head[0] >> 4 == 4:
        return ipv4(data, head[9], head[12:16], head[16:20], frag=at // 8 | more << 13, id_=id_ & 0xffff)
    return ipv6(struct.pack('!BBHI', head[6], 0, at | more, id_) + data, FRAGMENT, head[8:24], head[24:40])


class Packet:
    """What a frame, or the packet inside of an ICMP error, says of itself."""

    def __init__(self, frame, ethertype=None):
        self.raw = frame
        if ethertype is None:
            self.to, self.by = frame[:6], frame[6:12]
            ethertype = struct.unpack('!H', frame[12:14])[0]
            frame = frame[14:]
        self.ethertype = ethertype
        self.proto = self.segment = self.type = self.inner = None
        self.offset = self.more = self.id = self.flags = 0
        self.fragment = False
        if ethertype == IP and len(frame) >= 20:
            self.read4(frame)
        elif ethertype == IP6 and len(frame) >= 40:
            self.read6(frame)
        if self.segment is not None and not self.offset:
            self.read_segment()

    def read4(self, data):
        total, self.id, frag = struct.unpack('!HHH', data[2:8])
        self.ttl, self.proto, self.src, self.dst = data[8], data[9], data[12:16], data[16:20]
        self.df, self.more, self.offset = bool(frag & 0x4000), bool(frag & 0x2000), (frag & 0x1fff) * 8
        self.fragment = self.more or self.offset > 0
        self.good = checksum(data[:(data[0] & 15) * 4]) == 0
        self.whole = data[:total]
        self.segment = data[(data[0] & 15) * 4:total]

    def read6(self, data):
        length, self.proto, self.ttl = struct.unpack('!HBB', data[4:8])
        self.src, self.dst, self.df, self.good = data[8:24], data[24:40], True, True
        self.whole = data[:40 + length]
        self.segment = data[40:40 + length]
        if self.proto == FRAGMENT and len(self.segment) >= 8:
            self.proto, _, frag, self.id = struct.unpack('!BBHI', self.segment[:8])
            self.fragment, self.more, self.offset = True, bool(frag & 1), frag & ~7
            self.segment = self.segment[8:]

    def read_segment(self):
        segment = self.segment
        if self.proto in (TCP, UDP) and len(segment) >= 8:
            self.sport, self.dport = struct.unpack('!HH', segment[:4])
            self.data = segment[8:]
        if self.proto == TCP and len(segment) >= 20:
            self.seq, self.ack = struct.unpack('!II', segment[4:12])
            self.flags = segment[13]
            self.data = segment[(segment[12] >> 4) * 4:]
        if self.proto in (ICMP, ICMP6) and len(segment) >= 8:
            self.type, self.code, self.info = segment[0], segment[1], struct.unpack('!I', segment[4:8])[0]
            if self.type in ((3, 4, 5, 11, 12) if self.proto == ICMP else (1, 2, 3, 4)):
                self.inner = Packet(segment[8:], IP if self.proto == ICMP else IP6)

    def sound(self):
        """Every checksum that the packet has as a whole is right."""
        if self.segment is None or not self.good:
            return False
        if self.fragment or self.proto not in CHECKSUM_AT:
            return True
        return summed(self.segment, self.proto, self.src, self.dst) == self.segment

    def __str__(self):
        if self.segment is None:
            return f'{self.ethertype:#06x} {self.raw.hex()}'
        text = f'{ipaddress.ip_address(self.src)} > {ipaddress.ip_address(self.dst)} proto {self.proto} ttl {self.ttl}'
        if self.fragment:
            text += f' fragment {self.offset}+{len(self.segment)}{"+" if self.more else ""}'
        elif self.proto in (TCP, UDP):
            text += f' ports {self.sport} {self.dport} flags {self.flags:#x}'
        elif self.type is not None:
            text += f' type {self.type} code {self.code} info {self.info} about ({self.inner})'
        return text
