# SPDX-License-Identifier: GPL-2.0-only
"""Everything that an agent may change, changed all the time, and traffic that does not care."""

import collections
import random
import threading
import time

import steer
import traffic

# Devices 1 and 2 have hosts behind them; these have none.
GHOSTS = range(20, 60)
# What may be answered when things come and go
EXPECTED = {None, 'ENOENT', 'EEXIST'}


def mac(n):
    return f'mac=02:00:00:00:00:{n:02x}'


def ghost(n):
    return (f'device-add {mac(n)} lan-ipv4=192.168.1.{100 + n} wan-ipv4=10.1.2.{100 + n} wan-prefix-len=24 wan-router=10.1.2.1 '
            f'link-local=fe80::ff:fe00:{n:x} wan-ipv6=2001:db8:1::ff:fe00:{n:x}/64 wan-router6=fe80::1')


def changes():
    """One line for steer, of all that may change."""
    n, host = random.choice(GHOSTS), random.choice((1, 2))
    port = random.randrange(9000, 9100)
    return random.choice((
        ghost(n), ghost(n), f'device-del {mac(n)}',
        f'device-set {mac(n)} wan-ipv4=10.1.2.{random.randrange(120, 160)} wan-prefix-len=24',
        f'device-set {mac(host)} wan-ipv6=2001:db8:1::ff:fe00:{host:x}/64,2001:db8:1::{host}:{port:x}/64',
        f'device-set {mac(host)} wan-router={random.choice(("10.1.2.1", "10.1.2.250"))}',
        f'forward-add {mac(host)} protocol=6 port={port} to=7000', f'forward-add {mac(host)} protocol=17 port={port} to=7000',
        f'forward-del {mac(host)} protocol=6 port={port}', f'forward-del {mac(host)} protocol=17 port={port}',
        f'mapping-add ipv4=192.0.2.{n} ipv6=2001:db8:77::{n}', f'mapping-del ipv4=192.0.2.{n}',
        f'gateway-set timeouts.udp={random.randrange(1, 300)} timeouts.tcp-syn={random.randrange(1, 6)}',
        f'gateway-set filter={random.choice(("off", "forward"))}',
        f'gateway-set nat64-prefix=64:ff9b:: nat64-prefix-len={random.choice((96, 64, 32))}',
        f'gateway-set lender={random.choice((mac(host)[4:], "00:00:00:00:00:00"))}',
        f'session-flush {mac(host)}', 'session-flush',
        'dump session-get', 'dump device-get', 'dump forward-get', 'stats-get'))


def churn(seconds):
    """Changes for so long; says what was refused that should not have been."""
    hand = steer.Steer()
    deadline, done, strange = time.monotonic() + float(seconds), 0, collections.Counter()
    while time.monotonic() < deadline:
        line = changes()
        answer = hand.ask(*line.split())
        done += 1
        refusal = answer.get('error') if isinstance(answer, dict) else None
        if refusal not in EXPECTED:
            strange[f'{line}: {answer}'] += 1
        time.sleep(0.002)
    for n in GHOSTS:
        hand.ask('device-del', mac(n))
        hand.ask('mapping-del', f'ipv4=192.0.2.{n}')
    for host in (1, 2):
        hand.ask('device-set', mac(host), 'wan-router=10.1.2.1', f'wan-ipv6=2001:db8:1::ff:fe00:{host:x}/64')
    return f'{done} changes, refused: {dict(strange.most_common(3))}' if strange else 'ok'


def busy(seconds):
    """Short connections and datagrams, every way, one thread each. Says how many came through, of each.
    Ports 7000 and 7003 are forwarded."""
    deadline, came = time.monotonic() + float(seconds), collections.Counter()

    def work(name, function, *args):
        while time.monotonic() < deadline:
            came[name, function(*args) == 'ok'] += 1

    ways = []
    for n in (1, 2):
        wan4, wan6 = f'10.1.2.{100 + n}', f'2001:db8:1::ff:fe00:{n:x}'
        ways += [('4to4 in', traffic.tcp, 'client', f'dev{n}', wan4, 7000, 7000, 20000),
                 ('6to4 in', traffic.tcp, 'client', f'dev{n}', wan6, 7003, 7003, 20000),
                 ('4to4 out', traffic.tcp, f'dev{n}', 'client', '10.1.2.200', 7000 + n, 7000 + n, 20000),
                 ('4to4 udp', traffic.udp, 'client', f'dev{n}', wan4, 7000, 7000, 4000, 'want', 1),
                 ('6to4 udp', traffic.udp, 'far', f'dev{n}', wan6, 7003, 7003, 4000, 'want', 1)]
    threads = [threading.Thread(target=work, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {name: f'{came[name, True]} of {came[name, True] + came[name, False]}' for name, *_ in ways}
