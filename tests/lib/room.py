#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# room.py PORT
#
# Hands and eyes of a datapath scenario in all of its namespaces: one process, since starting one is
# what takes long in UML. Who connects to the port on the loopback says what is to be done, a line
# each, and gets a line back, JSON or words:
#
#   steer OPERATION [ATTRIBUTE=VALUE…], steer dump OPERATION        netlink (steer.py)
#   steer_in NAMESPACE OPERATION …                                  elsewhere than in gw
#   dump_sessions                                                   how many, without telling them
#   devices FIRST COUNT add|del                                     many, of MACs 02:00:01:…
#   forget_paths NAMESPACE…                                         what was learnt of path MTUs
#   events SECONDS                                                  what the module tells
#   tcp|who|knock|udp|udp_fit|udp_who|udp_closed|gso ARGUMENTS                    traffic.py
#   churn SECONDS, busy SECONDS                                     churn.py
#   flow NAME tcp|udp BY AT HOST PORT LISTEN                        one that stays
#   flows SECONDS                                                   ok if each of them goes on
#   lost                                                            datagrams that flows have lost
#   flow_end NAME

import json
import socket
import sys
import threading

import churn
import steer
import traffic
from netns import inside

flows = {}


def flow(name, *args):
    try:
        flows[name] = traffic.Flow(*args)
    except OSError as e:
        return repr(e)
    return 'ok'


def flows_go_on(seconds):
    stalled = [f'{name}: {said}' for name, f in flows.items() if (said := f.goes_on(float(seconds))) != 'ok']
    return '; '.join(stalled) or 'ok'


def forget_paths(*netnses):
    """What was learnt of paths."""
    for netns in netnses:
        with inside(netns):
            for family in ('ipv4', 'ipv6'):
                with open(f'/proc/sys/net/{family}/route/flush', 'w') as flush:
                    flush.write('1')
    return 'ok'


def lost():
    return str(sum(f.lost for f in flows.values()))


def steer_in(netns, *words):
    return steer.Steer(netns).ask(*words)


def dump_sessions():
    return str(len(steer.family().dump('session-get', {})))


def devices(first, count, verb):
    """On a LAN of 192.168.0.0/16, with addresses of both families. Says how many were refused."""
    refused = 0
    hand = steer.Steer()
    for n in range(int(first), int(first) + int(count)):
        words = [f'mac=02:00:01:00:{n >> 8:02x}:{n & 255:02x}']
        if verb == 'add':
            words += [f'lan-ipv4=192.168.{128 + (n >> 8)}.{n & 255}', f'wan-ipv4=10.200.{n >> 8}.{n & 255}', 'wan-prefix-len=16',
                      'wan-router=10.200.255.254', f'link-local=fe80::1:{n:x}', f'wan-ipv6=2001:db8:2::{n:x}/64', 'wan-router6=fe80::1']
        refused += hand.ask(f'device-{verb}', *words) is not None
    return str(refused)


def flow_end(name):
    flows.pop(name).end()
    return 'ok'


VERBS = {'events': steer.events, 'flow': flow, 'flows': flows_go_on, 'lost': lost, 'flow_end': flow_end,
         'steer_in': steer_in, 'dump_sessions': dump_sessions, 'devices': devices, 'forget_paths': forget_paths, 'churn': churn.churn, 'busy': churn.busy}
VERBS |= {name: getattr(traffic, name) for name in ('tcp', 'who', 'knock', 'udp', 'udp_fit', 'udp_who', 'udp_closed', 'gso')}


def serve(connection):
    steering = steer.Steer()
    verbs = VERBS | {'steer': steering.ask, 'forget': steering.forget}
    # Two streams: writing to one of both ways would throw away what it has read ahead.
    with connection.makefile('w') as answers:
        for line in connection.makefile('r'):
            verb, *words = line.split()
            try:
                answer = verbs[verb](*words)
            except Exception as e:  # noqa: BLE001: whatever it is, who asked must get a line
                answer = {'error': repr(e)}
            answers.write((answer if isinstance(answer, str) else json.dumps(answer, default=str)) + '\n')
            answers.flush()


server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
