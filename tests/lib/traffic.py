# SPDX-License-Identifier: GPL-2.0-only
"""TCP and UDP between two namespaces, both ends in one process. Each says `ok`, or what went wrong."""

import errno
import hashlib
import random
import select
import socket
import threading
import time

from netns import inside

IP_MTU_DISCOVER, IP_RECVERR, IPV6_MTU_DISCOVER, IPV6_RECVERR, IPV6_DONTFRAG = 10, 11, 23, 25, 62
IP_MTU, IPV6_MTU = 14, 24
UDP_SEGMENT = 103
SO_RCVBUFFORCE = 33
# dont: may be cut on the way; want: as the kernel does; do: DF, by what has been learnt; probe: DF
DISCOVERY = {'dont': 0, 'want': 1, 'do': 2, 'probe': 3}
SECONDS = 20
CONNECT_SECONDS = 4
KNOCK_SECONDS = 1.5
ALPHABET = bytes(range(256))


def unmapped(address):
    return address.removeprefix('::ffff:')


def listener(netns, port, kind):
    """A socket of both families."""
    with inside(netns):
        sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_DGRAM:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
    sock.bind(('::', int(port)))
    if kind == socket.SOCK_STREAM:
        sock.listen(64)
    sock.settimeout(SECONDS)
    return sock


def caller(netns, host, port, kind, discovery='want', seconds=CONNECT_SECONDS):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with inside(netns):
        sock = socket.socket(family, kind)
    if family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, DISCOVERY[discovery])
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, DISCOVERY[discovery])
        if discovery == 'do':
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
    sock.settimeout(seconds)
    sock.connect((host, int(port)))
    sock.settimeout(SECONDS)
    return sock


def exchange(one, other, size):
    """Both send and receive so many bytes at the same time; whether they got what was sent."""
    data = {one: random.randbytes(size), other: random.randbytes(size)}
    left = {sock: memoryview(data[sock]) for sock in data}
    came = {sock: bytearray() for sock in data}
    deadline = time.monotonic() + SECONDS
    for sock in data:
        sock.setblocking(False)
    while any(left.values()) or any(len(b) < size for b in came.values()):
        readable, writable, _ = select.select([s for s in data if len(came[s]) < size], [s for s in data if left[s]], [],
                                              max(deadline - time.monotonic(), 0))
        if not readable and not writable:
            return f'stalled: {len(came[other])} of {size} bytes up, {len(came[one])} down'
        for sock in readable:
            got = sock.recv(1 << 18)
            if not got:
                return f'closed: {len(came[other])} of {size} bytes up, {len(came[one])} down'
            came[sock] += got
        for sock in writable:
            left[sock] = left[sock][sock.send(left[sock][:1 << 18]):]
    return 'ok' if came[one] == data[other] and came[other] == data[one] else 'garbage'


def connection(by, at, host, port, listen, discovery='want'):
    """A connection's two ends: the caller's, and the listener's."""
    with listener(at, listen, socket.SOCK_STREAM) as server:
        one = caller(by, host, port, socket.SOCK_STREAM, discovery)
        return one, server.accept()[0]


def told(function):
    """An error's name is an answer, too."""
    def tell(*args):
        try:
            return function(*args)
        except TimeoutError:
            return 'timeout'
        except OSError as e:
            return errno.errorcode[e.errno]
    return tell


@told
def tcp(by, at, host, port, listen, size, discovery='want'):
    """So many bytes each way."""
    one, other = connection(by, at, host, port, listen, discovery)
    with one, other:
        return exchange(one, other, int(size))


@told
def who(by, at, host, port, listen):
    """The address that the listener sees."""
    one, other = connection(by, at, host, port, listen)
    with one, other:
        return unmapped(other.getpeername()[0])


@told
def udp(by, at, host, port, listen, size, discovery='want', tries='4'):
    """A datagram there and back. One with DF that does not fit is lost; what it taught helps the next."""
    asked = random.randbytes(int(size))
    why = 'nothing'
    with listener(at, listen, socket.SOCK_DGRAM) as server, \
            caller(by, host, port, socket.SOCK_DGRAM, discovery) as sock:
        server.settimeout(1)
        sock.settimeout(1)
        for _ in range(int(tries)):
            try:
                sock.send(asked)
                got, origin = server.recvfrom(65535)
                if got != asked:
                    return 'garbage up'
                server.sendto(got, origin)
                return 'ok' if sock.recv(65535) == asked else 'garbage down'
            except TimeoutError:
                why = 'timeout'
            except OSError as e:
                why = errno.errorcode[e.errno]
    return why


@told
def udp_fit(by, at, host, port, listen):
    """Datagrams with DF of 1472 bytes, then shorter as the kernel learns the path's MTU: one fits before long."""
    with listener(at, listen, socket.SOCK_DGRAM) as server, caller(by, host, port, socket.SOCK_DGRAM, 'do') as sock:
        server.settimeout(0.5)
        header = 28 if sock.family == socket.AF_INET else 48
        told = []
        for _ in range(6):
            if sock.family == socket.AF_INET:
                mtu = sock.getsockopt(socket.IPPROTO_IP, IP_MTU)
            else:
                mtu = sock.getsockopt(socket.IPPROTO_IPV6, IPV6_MTU)
            told.append(mtu)
            asked = random.randbytes(mtu - header)
            try:
                sock.send(asked)
                return 'ok' if server.recv(65535) == asked else 'garbage'
            except (TimeoutError, OSError):
                continue
    return f'nothing came; the path was said to take {told}'


@told
def udp_who(by, at, host, port, listen):
    """The address that the server sees."""
    with listener(at, listen, socket.SOCK_DGRAM) as server, caller(by, host, port, socket.SOCK_DGRAM) as sock:
        server.settimeout(2)
        sock.send(b'who')
        return unmapped(server.recvfrom(100)[1][0])


@told
def udp_closed(by, host, port):
    """What the sender of a datagram to a closed port learns."""
    with caller(by, host, port, socket.SOCK_DGRAM) as sock:
        # Every error, not only those that a protocol must act on.
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        sock.settimeout(3)
        sock.send(b'knock')
        sock.recv(100)
        return 'an answer'


@told
def knock(by, host, port, kind):
    """A SYN or a datagram to where nobody listens: timeout if it does not even get there."""
    kind = socket.SOCK_DGRAM if kind == 'udp' else socket.SOCK_STREAM
    with caller(by, host, port, kind, seconds=KNOCK_SECONDS) as sock:
        sock.settimeout(KNOCK_SECONDS)
        sock.send(b'knock')
        sock.recv(100)
        return 'an answer'


@told
def gso(by, at, host, port, listen, size, count, segments):
    """Datagrams that leave the sender as super-packets of so many segments each: all that come are whole."""
    size, count, segments = int(size), int(count), int(segments)
    sent = [b'%08d' % n + random.randbytes(size - 8) for n in range(count)]
    came = []
    with listener(at, listen, socket.SOCK_DGRAM) as server, caller(by, host, port, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
        for first in range(0, count, segments):
            sock.send(b''.join(sent[first:first + segments]))
            server.settimeout(1)
            try:
                for _ in range(min(segments, count - first)):
                    came.append(server.recv(65535))
            except TimeoutError:
                return f'{len(came)} of {count} came'
    return 'ok' if sorted(came) == sent else 'garbage'


class Flow(threading.Thread):
    """A question and its answer every 50 ms, by one TCP connection or UDP session that stays."""

    def __init__(self, kind, by, at, host, port, listen):
        super().__init__(daemon=True)
        self.rounds = self.lost = 0
        self.why = None
        self.stopping = False
        if kind == 'tcp':
            self.one, self.other = connection(by, at, host, port, listen)
        else:
            self.other = listener(at, listen, socket.SOCK_DGRAM)
            self.one = caller(by, host, port, socket.SOCK_DGRAM)
            self.other.settimeout(0.5)
            self.one.settimeout(0.5)
        self.kind = kind
        self.start()

    def ask(self, question):
        if self.kind == 'tcp':
            self.one.send(question)
            self.other.send(self.other.recv(len(question), socket.MSG_WAITALL))
            return self.one.recv(len(question), socket.MSG_WAITALL)
        self.one.send(question)
        # What was late belongs to an earlier question.
        while True:
            got, origin = self.other.recvfrom(100)
            if got == question:
                break
        self.other.sendto(got, origin)
        while True:
            answer = self.one.recv(100)
            if answer == question:
                return answer

    def run(self):
        number = 0
        while not self.stopping:
            number += 1
            question = b'%08d' % number
            try:
                if self.ask(question) != question:
                    self.why = 'garbage'
                    return
                self.rounds += 1
            except OSError as e:
                self.lost += 1
                self.why = repr(e)
                if self.kind == 'tcp':
                    return
            time.sleep(0.05)

    def goes_on(self, seconds, rounds=3):
        """Whether it makes so many rounds within that time."""
        target, deadline = self.rounds + rounds, time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.rounds >= target:
                return 'ok'
            if not self.is_alive():
                break
            time.sleep(0.02)
        return f'{self.rounds - target + rounds} rounds in {seconds} s, {self.lost} lost, {self.why}'

    def end(self):
        self.stopping = True
        self.join(SECONDS)
        self.one.close()
        self.other.close()
