#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# tcp_state.py: segment by segment from both ends, where no stack answers (ports 60000 and up), what
# sessions do in each state. RFC 6146 section 3.5.2, RFC 5382, RFC 5961 section 3. Device 1, forwards
# 60000 to 60009; timeouts: SYN 3 s, closing 4 s, established 60 s.

import ipaddress
import itertools
import time

import frames
from ends import (CLIENT4, CLIENT6, MAC_GW_LAN, Port, device_mac, done, dropped, lan4, ok, steer, wan4, wan6)
from frames import ACK, FIN, RST, SYN, TCP

dev, client = Port('dev1'), Port('client')
ports = itertools.count(61000)
LAN_GATEWAY = frames.address('192.168.1.1')
DEVICE, SERVICE = 1, 60001


class Connection:
    """One connection between the client and device 1, by the client's segments and the device's."""

    def __init__(self, family, outbound=False):
        self.family, self.outbound = family, outbound
        self.client_port, self.device_port = next(ports), SERVICE
        if outbound:
            self.client_port, self.device_port = SERVICE, self.client_port
        self.lan_port = self.client_port      # of the peer, as the device sees it
        self.wan = (wan4 if family == 4 else wan6)(DEVICE)
        self.peer = CLIENT4 if family == 4 else CLIENT6
        self.lan_peer = CLIENT4 if family == 4 else LAN_GATEWAY
        self.seq, self.ack = 1000, 5000       # of the client's next byte; of the device's

    def inward(self, flags, seq=None, ack=None, seconds=3):
        """The client's segment; what the device gets of it."""
        seq, ack = self.seq if seq is None else seq, self.ack if ack is None else ack
        dev.clear()
        client.send(device_mac(DEVICE), frames.packet(frames.tcp(
            self.client_port, self.device_port, flags=flags, seq=seq, ack=ack), TCP, self.peer, self.wan))
        got = dev.expect(lambda p: p.proto == TCP and p.dport == self.device_port and p.seq == seq and p.flags == flags, seconds)
        if got and self.family == 6:
            self.lan_port = got.sport
        return got

    def outward(self, flags, seq=None, ack=None, seconds=3):
        """The device's segment; what the client gets of it."""
        seq, ack = self.ack if seq is None else seq, self.seq if ack is None else ack
        client.clear()
        dev.send(MAC_GW_LAN, frames.packet(frames.tcp(
            self.device_port, self.lan_port, flags=flags, seq=seq, ack=ack), TCP, lan4(DEVICE), self.lan_peer))
        return client.expect(lambda p: p.proto == TCP and p.dport == self.client_port and p.seq == seq and p.flags == flags, seconds)

    def first(self, *args, **more):
        return self.outward(*args, **more) if self.outbound else self.inward(*args, **more)

    def second(self, *args, **more):
        return self.inward(*args, **more) if self.outbound else self.outward(*args, **more)

    def open(self):
        """The handshake."""
        if self.outbound:
            good = self.outward(SYN, self.ack - 1, 0) and self.inward(SYN | ACK, self.seq - 1)
            return good and self.outward(ACK)
        good = self.inward(SYN, self.seq - 1, 0) and self.outward(SYN | ACK, self.ack - 1)
        return good and self.inward(ACK)

    def session(self):
        for s in steer('dump session-get'):
            if s['protocol'] == TCP and s['wan-peer-port'] == self.client_port and s['wan-port'] == self.device_port:
                return s
        return None

    def state(self):
        session = self.session()
        return session and session['state']

    def ends_within(self, seconds):
        """What has timed out is collected every two seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.session() is None:
                return True
            time.sleep(0.2)
        return False

    def __str__(self):
        return f'{"4to4" if self.family == 4 else "6to4"} {"outbound" if self.outbound else "inbound"}'


def all_kinds():
    return [Connection(4), Connection(6), Connection(4, outbound=True)]


def flush():
    steer('session-flush')


def handshake(c):
    c.first(SYN, (c.ack if c.outbound else c.seq) - 1, 0)
    ok(c.state() == 'syn-sent', f'{c}: a SYN makes a half-open session', c.state())
    ok(2 <= c.session()['expires'] + 1 <= 4, '  with the timeout for it', c.session())
    c.second(SYN | ACK, (c.seq if c.outbound else c.ack) - 1)
    ok(c.state() == 'syn-received', '  SYNs from both sides are seen', c.state())
    c.first(ACK)
    ok(c.state() == 'established', '  the ACK establishes it', c.state())
    ok(c.session()['expires'] > 50, '  with its timeout', c.session())
    c.first(FIN | ACK)
    ok(c.state() == 'closing', '  a FIN closes it', c.state())
    ok(c.session()['expires'] > 50, '  half closed it lives as long as an established one', c.session())
    c.second(FIN | ACK)
    ok(c.state() == 'closing' and c.session()['expires'] <= 4, '  after both FINs it is about to end', c.session())


def half_open(c):
    began = time.monotonic()
    c.first(SYN, 999, 0)
    ok(c.ends_within(6), f'{c}: half-open, it ends in time', c.session())
    ok(time.monotonic() - began > 2.5, '  and not before', time.monotonic() - began)
    # A device's late answer leads nowhere; a client's finds no session to join.
    ok(c.second(SYN | ACK, 4999, seconds=0.5) is None, '  and what belongs to it finds nobody')


def nothing_to_join(c):
    before = dropped('tcp-state')
    for flags in (ACK, FIN | ACK, RST, SYN | ACK):
        ok(c.first(flags, seconds=0.3) is None, f'{c}: a segment with flags {flags:#x} begins nothing')
    ok(dropped('tcp-state') - before == 4, '  and is counted', dropped('tcp-state') - before)


def simultaneous(c):
    """RFC 9293 section 3.5: both SYNs cross."""
    c.first(SYN, (c.ack if c.outbound else c.seq) - 1, 0)
    got = c.second(SYN, (c.seq if c.outbound else c.ack) - 1, 0)
    ok(got is not None and c.state() == 'syn-received', f'{c}: the other side\'s SYN without ACK goes through', c.state())
    c.first(SYN | ACK, (c.ack if c.outbound else c.seq) - 1)
    c.second(SYN | ACK, (c.seq if c.outbound else c.ack) - 1)
    c.first(ACK)
    c.second(ACK)
    ok(c.state() == 'established', '  simultaneous open establishes a session', c.state())


def resets(c):
    c.open()
    for side, name in ((c.inward, 'WAN'), (c.outward, 'LAN')):
        seq = c.seq if name == 'WAN' else c.ack
        for far in (1 << 20, -(1 << 20), 1 << 31):
            side(RST, seq + far & 0xffffffff, seconds=0.3)
            ok(c.state() == 'established', f'{c}: a RST from the {name} out of window ({far:+#x}) does not end it', c.state())
    ok(c.inward(ACK) and c.outward(ACK), '  data still flows')
    c.inward(RST, c.seq)
    ok(c.state() == 'closing', '  a RST in window does', c.state())
    ok(c.ends_within(7), '  in time', c.session())


def reset_by_device(c):
    c.open()
    c.outward(RST, c.ack)
    ok(c.state() == 'closing', f'{c}: the device\'s own RST in window ends it', c.state())


def not_reopened():
    """A device's closing session is no way in for a SYN of its peer."""
    c = Connection(4, outbound=True)
    c.open()
    c.outward(FIN | ACK)
    c.inward(FIN | ACK)
    ok(c.state() == 'closing', 'a device\'s session is closing', c.state())
    ok(c.inward(SYN, 77000, 0, seconds=0.5) is None, '  a SYN of its peer does not come in')
    ok(c.outward(SYN, 78000, 0) is not None and c.state() == 'syn-sent', '  the device\'s own SYN opens it anew', c.state())


def reopened():
    """Where a forward leads, the same ports may be used again (RFC 6191 is the peer's business)."""
    c = Connection(4)
    c.open()
    c.inward(FIN | ACK)
    c.outward(FIN | ACK)
    ok(c.inward(SYN, 77000, 0) is not None and c.state() == 'syn-sent', 'by a forward a SYN opens a closing session anew', c.state())


def gone(name, line, back, families=(4, 6)):
    """What ends sessions: each line, and the line that takes it back."""
    connections = [Connection(family) for family in families]
    for c in connections:
        c.open()
    steer(line)
    for c in connections:
        ok(c.session() is None, f'{c}: with {name} the session ends', c.session())
        ok(c.inward(ACK, seconds=0.3) is None, '  and its packets go no further')
    for undo in back:
        answer = steer(undo)
        ok(answer is None, '  which comes back', undo, answer)
    c = Connection(families[0])
    ok(c.open() is not None, '  and works again')


def ends():
    mac = '02:00:00:00:00:01'
    text4, text6 = ipaddress.ip_address(wan4(DEVICE)), ipaddress.ip_address(wan6(DEVICE))
    forward = f'forward-add mac={mac} protocol=6 port={SERVICE} to={SERVICE}'
    device = (f'device-add mac={mac} lan-ipv4={ipaddress.ip_address(lan4(DEVICE))} wan-ipv4={text4} wan-prefix-len=24 '
              f'wan-router=10.1.2.1 link-local=fe80::ff:fe00:1 wan-ipv6={text6}/64 wan-router6=fe80::1')
    gone('its forward', f'forward-del mac={mac} protocol=6 port={SERVICE}', [forward])
    gone('the WAN IPv4 address', f'device-set mac={mac} wan-ipv4=0.0.0.0', [f'device-set mac={mac} wan-ipv4={text4} wan-prefix-len=24'], (4,))
    gone('the WAN IPv6 address', f'device-set mac={mac} wan-ipv6=', [f'device-set mac={mac} wan-ipv6={text6}/64'], (6,))
    gone('the device', f'device-del mac={mac}', [device, forward])
    gone('a flush', 'session-flush', [])


for kind in all_kinds():
    handshake(kind)
flush()
for kind in all_kinds():
    half_open(kind)
for kind in all_kinds():
    nothing_to_join(kind)
for kind in all_kinds():
    simultaneous(kind)
flush()
for kind in all_kinds():
    resets(kind)
for kind in all_kinds():
    reset_by_device(kind)
flush()
not_reopened()
reopened()
flush()
ends()
done()
