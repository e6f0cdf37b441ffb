#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# icmp_errors.py: errors about the packets of each kind of session, in both directions, byte by byte.
# RFC 7915 sections 4.2, 4.3, 5.2 and 5.3. Device 1 has both families, device 2 IPv6 alone; 192.0.2.10
# is 2001:db8:1::201; UDP 60001 is forwarded to both.

import itertools
import subprocess
import time

import frames
from ends import (CLIENT4, CLIENT6, MAC_GW_LAN, Port, device_mac, done, dropped, lan4, ok, total, wan4, wan6)
from frames import ICMP, ICMP6, UDP, address, icmp, packet

LAN_GATEWAY, ROUTER4, ROUTER6 = address('192.168.1.1'), address('10.1.2.1'), address('2001:db8:1::1')
ALIAS4, ALIAS6 = address('192.0.2.10'), address('2001:db8:1::201')
DUMMY = address('192.0.0.8')
SERVICE = 60001
ports = itertools.count(60100)
client = Port('client')
devices = {1: Port('dev1'), 2: Port('dev2')}


class Session:
    """A UDP session, and a packet of each direction as it was sent and as it came."""

    def __init__(self, name, n, peer, inbound, lan_peer):
        self.name, self.n, self.peer, self.lan_peer = name, n, peer, lan_peer
        self.dev = devices[n]
        self.wan = (wan4 if len(peer) == 4 else wan6)(n)
        self.client_port, self.device_port = (next(ports), SERVICE) if inbound else (SERVICE, next(ports))
        self.lan_port = self.client_port
        for send in (self.inward, self.outward) if inbound else (self.outward, self.inward):
            if not send():
                raise SystemExit(f'{name}: no session')

    def inward(self):
        self.in_sent = packet(frames.udp(b'to the device', self.client_port, self.device_port), UDP, self.peer, self.wan)
        self.dev.clear()
        client.send(device_mac(self.n), self.in_sent)
        self.in_came = self.dev.expect(lambda p: p.proto == UDP and p.dport == self.device_port)
        if self.in_came:
            self.lan_peer, self.lan_port = self.in_came.src, self.in_came.sport
        return self.in_came

    def outward(self):
        self.out_sent = packet(frames.udp(b'to the peer', self.device_port, self.lan_port), UDP, lan4(self.n), self.lan_peer)
        client.clear()
        self.dev.send(MAC_GW_LAN, self.out_sent)
        self.out_came = client.expect(lambda p: p.proto == UDP and p.dport == self.client_port)
        return self.out_came

    def error_in(self, type_, code, info=0, teller=None, seconds=3):
        """An error from the WAN about the device's packet; what the device gets."""
        proto = ICMP if len(self.peer) == 4 else ICMP6
        self.dev.clear()
        client.send(device_mac(self.n), packet(icmp(type_, code, self.out_came.whole, info), proto, teller or self.peer, self.wan))
        return self.dev.expect(lambda p: p.inner is not None, seconds)

    def error_out(self, type_, code, info=0, seconds=3):
        """The device's error about the packet that it got; what the client gets."""
        client.clear()
        self.dev.send(MAC_GW_LAN, packet(icmp(type_, code, self.in_came.whole, info), ICMP, lan4(self.n), self.in_came.src))
        return client.expect(lambda p: p.inner is not None, seconds)


def quotes(error, sent):
    """The error quotes what its receiver has sent: addresses, and the transport header byte by byte."""
    was = frames.Packet(sent, 0x800 if sent[0] >> 4 == 4 else 0x86dd)
    return (error.inner.segment == was.segment and (error.inner.src, error.inner.dst, error.inner.proto) == (was.src, was.dst, was.proto)
            and (sent[0] >> 4 == 6 or error.inner.good))


def check_in(session, said, want, teller, seen_teller):
    got = session.error_in(*said, teller=teller)
    ok(got is not None and (got.type, got.code, got.info) == want and got.sound() and quotes(got, session.out_sent) and
       got.src == seen_teller and got.dst == lan4(session.n) and got.by == MAC_GW_LAN and got.to == device_mac(session.n),
       f'{session.name}: {said} from the WAN is {want} to the device, which finds its own packet in it', got)


def check_out(session, said, want):
    got = session.error_out(*said)
    ok(got is not None and (got.type, got.code, got.info) == want and got.sound() and quotes(got, session.in_sent) and
       got.src == session.wan and got.dst == session.peer and got.by == device_mac(session.n),
       f'{session.name}: {said} of the device is {want} to the peer, which finds its own packet in it', got)


MTU = 1400
POINTER = 1 << 24
SAME = [((3, c, MTU if c == 4 else 0),) * 2 for c in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13)] + [
    ((11, 0, 0),) * 2, ((11, 1, 0),) * 2, ((12, 0, 8 * POINTER),) * 2]
FROM6 = [((1, 0, 0), (3, 1, 0)), ((1, 1, 0), (3, 10, 0)), ((1, 2, 0), (3, 1, 0)), ((1, 3, 0), (3, 1, 0)), ((1, 4, 0), (3, 3, 0)),
         ((2, 0, MTU), (3, 4, MTU - 20)), ((2, 0, 1280), (3, 4, 1260)), ((3, 0, 0), (11, 0, 0)), ((3, 1, 0), (11, 1, 0)),
         ((4, 0, 4), (12, 0, 2 * POINTER)), ((4, 0, 7), (12, 0, 8 * POINTER)), ((4, 1, 6), (3, 2, 0))]
TO6 = [((3, c, 0), (1, 0, 0)) for c in (0, 1, 5, 6, 7, 8, 11, 12)] + [
    ((3, 2, 0), (4, 1, 6)), ((3, 3, 0), (1, 4, 0)), ((3, 4, MTU), (2, 0, MTU + 20)), ((3, 9, 0), (1, 1, 0)), ((3, 10, 0), (1, 1, 0)),
    ((3, 13, 0), (1, 1, 0)), ((3, 15, 0), (1, 1, 0)), ((11, 0, 0), (3, 0, 0)), ((11, 1, 0), (3, 1, 0)), ((12, 0, 8 * POINTER), (4, 0, 7))]


def four_to_four(session):
    for said, want in SAME:
        check_in(session, said, want, ROUTER4, ROUTER4)
        check_out(session, said, want)


def six(session):
    for said, want in FROM6:
        check_in(session, said, want, None, session.lan_peer)
    # A router on the way to an IPv6 client is somewhere behind the gateway (RFC 6791), to an IPv6
    # host that is known by IPv4 nobody that IPv4 knows (RFC 7600).
    check_in(session, (3, 0, 0), (11, 0, 0), ROUTER6, LAN_GATEWAY if session.lan_peer == LAN_GATEWAY else DUMMY)
    for said, want in TO6:
        check_out(session, said, want)


def untold(session):
    """What the other family does not know, and what nobody should act on."""
    before = dropped('icmp-error')
    kinds_out = [(4, 0), (5, 1), (3, 14), (12, 1)] if len(session.peer) == 16 else [(4, 0), (5, 1)]
    for type_, code in kinds_out:
        ok(session.error_out(type_, code, seconds=0.3) is None, f'{session.name}: ({type_}, {code}) of the device goes nowhere')
    kinds_in = [(4, 2), (1, 7)] if len(session.peer) == 16 else [(4, 0), (5, 1)]
    for type_, code in kinds_in:
        ok(session.error_in(type_, code, seconds=0.3) is None, f'{session.name}: ({type_}, {code}) from the WAN goes nowhere')
    ok(dropped('icmp-error') - before == len(kinds_out) + len(kinds_in), '  and is counted', dropped('icmp-error') - before)


def forged(session):
    """Errors about what nobody has sent."""
    proto, unreachable, local = (ICMP, 3, lan4) if len(session.peer) == 4 else (ICMP6, 1, lan4)
    real = session.out_came.whole
    ports_at = 20 if proto == ICMP else 40
    lies = {'another port': real[:ports_at] + b'\x12\x34' + real[ports_at + 2:],
            'another peer': real[:ports_at - len(session.peer)] + b'\x0b' + real[ports_at - len(session.peer) + 1:],
            'another protocol': real[:9] + b'\x84' + real[10:] if proto == ICMP else real[:6] + b'\x84' + real[7:],
            'a later fragment': real[:6] + b'\0\x10' + real[8:] if proto == ICMP else None}
    for lie, quoted in lies.items():
        if quoted is None:
            continue
        before = dropped('icmp-error') + dropped('wan-malformed')
        session.dev.clear()
        client.send(device_mac(session.n), packet(icmp(unreachable, 3, quoted), proto, session.peer, session.wan))
        ok(session.dev.silent(lambda p: p.inner is not None, 0.3), f'{session.name}: an error about {lie} does not reach the device')
        ok(dropped('icmp-error') + dropped('wan-malformed') - before == 1, '  and is counted')
    # A wrong checksum goes no further either.
    session.dev.clear()
    wrong = packet(icmp(unreachable, 3, real), proto, session.peer, session.wan)
    client.send(device_mac(session.n), wrong[:-1] + bytes([wrong[-1] ^ 1]))
    ok(session.dev.silent(lambda p: p.inner is not None, 0.3), f'{session.name}: nor does one with a wrong checksum')
    # The device may not forge either: about a packet that it never got.
    before = dropped('icmp-error')
    client.clear()
    lie = session.in_came.whole[:20] + b'\x12\x34' + session.in_came.whole[22:]
    session.dev.send(MAC_GW_LAN, packet(icmp(3, 3, lie), ICMP, local(session.n), session.lan_peer))
    ok(client.silent(lambda p: p.inner is not None, 0.3), f'{session.name}: nor one of the device\'s about what it never got')
    if session.lan_peer != LAN_GATEWAY:     # to the gateway's own address it is the box's to judge
        ok(dropped('icmp-error') - before == 1, '  and is counted')


def own(session):
    """The gateway's own: a hop is a hop."""
    four = len(session.peer) == 4
    client.clear()
    client.send(device_mac(session.n), packet(frames.udp(b'x', session.client_port, session.device_port), UDP, session.peer,
                                              session.wan, **({'ttl': 1} if four else {'hops': 1})))
    got = client.expect(lambda p: p.inner is not None)
    ok(got is not None and (got.type, got.code) == ((11, 0) if four else (3, 0)) and got.sound() and got.src == session.wan and
       got.by == device_mac(session.n), f'{session.name}: a hop limit that ends here is told in the device\'s name', got)
    session.dev.clear()
    session.dev.send(MAC_GW_LAN, packet(frames.udp(b'x', session.device_port, session.lan_port), UDP, lan4(session.n),
                                        session.lan_peer, ttl=1))
    got = session.dev.expect(lambda p: p.inner is not None)
    ok(got is not None and (got.type, got.code) == (11, 0) and got.sound() and got.src == LAN_GATEWAY,
       f'{session.name}: to the device in the gateway\'s', got)


def limited(session):
    """A burst: what was sent in three seconds arrives at once."""
    subprocess.run('tc -n client qdisc add dev eth0 root netem slot 3s limit 10000', shell=True, check=True)
    before, sent = total('icmp-sent'), 0
    one = packet(frames.udp(b'x', session.client_port, session.device_port), UDP, session.peer, session.wan, ttl=1)
    began = time.monotonic()
    while time.monotonic() - began < 2.5:
        client.send(device_mac(session.n), one)
        sent += 1
    time.sleep(2)
    subprocess.run('tc -n client qdisc del dev eth0 root', shell=True, check=True)
    told = total('icmp-sent') - before
    ok(0 < told < sent * 3 // 4, 'errors of the gateway\'s own are limited in rate', f'{told} of {sent}')


kinds = [Session('4to4 inbound', 1, CLIENT4, True, CLIENT4), Session('4to4 outbound', 1, CLIENT4, False, CLIENT4),
         Session('6to4', 1, CLIENT6, True, LAN_GATEWAY),
         Session('4to6 inbound', 2, ALIAS6, True, ALIAS4), Session('4to6 outbound', 2, ALIAS6, False, ALIAS4)]
for kind in kinds:
    (four_to_four if len(kind.peer) == 4 else six)(kind)
    untold(kind)
    forged(kind)
    own(kind)
limited(kinds[0])
done()
