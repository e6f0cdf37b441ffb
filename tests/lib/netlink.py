#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# netlink.py KERNEL-SOURCE LAN-IFINDEX WAN-IFINDEX
#
# Drives every command of the netlink family with the kernel tree's own YNL client, as the spec says,
# and against it: attributes missing, too short, out of range. TAP without a plan: netlink.sh has more.

import errno
import ipaddress
import struct
import sys
import time

SOURCE, LAN, WAN = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sys.path.insert(0, SOURCE + '/tools/net/ynl')
from lib import NlError, YnlFamily  # noqa: E402

SPEC = 'uapi/doppel.yaml'
SCHEMA = SOURCE + '/Documentation/netlink/genetlink.yaml'


class Raw(bytes):
    """A payload that goes out as it is, whatever the spec says."""


class Family(YnlFamily):
    def _add_attr(self, space, name, value, search_attrs):
        if not isinstance(value, Raw):
            return super()._add_attr(space, name, value, search_attrs)
        pad = b'\0' * (-len(value) % 4)
        return struct.pack('HH', len(value) + 4, self.attr_sets[space][name].value) + value + pad


def ip4(text):
    # The client packs the integer in the spec's byte order.
    return int(ipaddress.IPv4Address(text))


def ip6(text):
    return ipaddress.IPv6Address(text).packed


def mac(n):
    return bytes([2, 0, 0, 0, 0, n])


failures = 0


def ok(good, name, *why):
    global failures
    print(('ok - ' if good else 'not ok - ') + name)
    if not good:
        failures += 1
        for line in why:
            print('#  ', line)
    sys.stdout.flush()
    return good


def works(name, call, *args):
    try:
        reply = call(*args)
    except NlError as e:
        ok(False, name, f'{e.nl_msg.error} {e.nl_msg.extack}')
        return None
    ok(True, name)
    return reply


def explained(e):
    """The refusal says what is wrong, or which attribute it is about."""
    extack = e.nl_msg.extack or {}
    return bool({'msg', 'miss-type', 'bad-attr', 'bad-attr-offs'} & set(extack))


def refused(name, op, attrs, code=None):
    before = state()
    try:
        ynl.do(op, attrs)
    except NlError as e:
        good = ok(explained(e) and (code is None or e.nl_msg.error == -code), f'{op}: {name} is refused, with an extack',
                  f'error {e.nl_msg.error}, wanted {code}; extack {e.nl_msg.extack}')
    else:
        good = ok(False, f'{op}: {name} is refused', 'it was accepted')
    after = state()
    if before != after:
        ok(False, f'{op}: {name} changed the state', before, after)
    return good


def state():
    """All that a refused message must not change."""
    try:
        gateway = ynl.do('gateway-get', {})
    except NlError as e:
        return e.nl_msg.error
    devices = [{k: v for k, v in d.items() if k not in ('idle', 'counters')} for d in ynl.dump('device-get', {})]
    return gateway, devices, ynl.dump('forward-get', {}), ynl.dump('mapping-get', {})


ynl = Family(SPEC, SCHEMA)

GATEWAY = {'lan-ifindex': LAN, 'wan-ifindex': WAN, 'lan-ipv4': ip4('192.168.1.1'), 'lan-prefix-len': 24,
           'identity': 'devices-only', 'max-devices': 100, 'max-sessions': 1000, 'max-device-sessions': 500,
           'timeouts': {'tcp-syn': 6, 'tcp-established': 7440, 'tcp-closing': 240, 'udp': 300, 'icmp': 60}}
DEVICE = {'mac': mac(0x11), 'lan-ipv4': ip4('192.168.1.11'), 'wan-ipv4': ip4('10.1.2.11'), 'wan-prefix-len': 24,
          'wan-router': ip4('10.1.2.1'), 'link-local': ip6('fe80::11'),
          'wan-ipv6': {'address': [{'ipv6': ip6('2001:db8:1::11'), 'prefix-len': 64}]},
          'wan-router6': ip6('fe80::1')}
OTHER = {'mac': mac(0x12), 'lan-ipv4': ip4('192.168.1.12'), 'wan-ipv4': ip4('10.1.2.12'), 'wan-prefix-len': 24}
FORWARD = {'mac': mac(0x11), 'protocol': 6, 'port': 8080, 'to': 80}
MAPPING = {'ipv4': ip4('192.0.2.10'), 'ipv6': ip6('2001:db8::10')}
PREFIX = {'nat64-prefix': ip6('64:ff9b::'), 'nat64-prefix-len': 96}


def without(attrs, name):
    return {k: v for k, v in attrs.items() if k != name}


def payload(space, name, value):
    return YnlFamily._add_attr(ynl, space, name, value, None)[4:]


def short(op, base):
    """Each attribute of the request cut by one byte, and empty."""
    space = ynl.ops[op].attr_set.name
    for name, value in base.items():
        attr = ynl.attr_sets[space][name]
        if attr['type'] == 'nest':
            for inner in (value if name != 'wan-ipv6' else value['address'][0]):
                v = value[inner] if name != 'wan-ipv6' else value['address'][0][inner]
                sub = attr['nested-attributes'] if name != 'wan-ipv6' else 'address'
                whole = ynl._add_attr(sub, inner, v, None)
                length = struct.unpack('H', whole[:2])[0]
                cut = struct.pack('H', length - 1) + whole[2:]
                if name == 'wan-ipv6':
                    cut = struct.pack('HH', len(cut) + 4, 1 | 0x8000) + cut
                refused(f'{name}.{inner} that is too short', op, {**base, name: Nested(cut)}, None)
            continue
        length = {'u8': 1, 'u16': 2, 'u32': 4}.get(attr['type']) or len(value)
        refused(f'{name} that is too short', op, {**base, name: Raw(b'\1' * (length - 1))})
        if length > 1:
            refused(f'{name} that is empty', op, {**base, name: Raw(b'')})


class Nested(Raw):
    """The same, marked as a nest."""


def add_nested(space, name, value, search_attrs, plain=Family._add_attr):
    out = plain(ynl, space, name, value, search_attrs)
    if isinstance(value, Nested):
        length, kind = struct.unpack('HH', out[:4])
        out = struct.pack('HH', length, kind | 0x8000) + out[4:]
    return out


ynl._add_attr = add_nested

# --- no gateway yet
refused('without a gateway', 'gateway-get', {}, errno.ENODEV)
refused('without a gateway', 'gateway-del', {}, errno.ENODEV)
refused('without a gateway', 'device-add', DEVICE, errno.ENODEV)
refused('without a gateway', 'stats-get', {}, errno.ENODEV)
for name in ('lan-ifindex', 'wan-ifindex', 'lan-ipv4', 'lan-prefix-len'):
    refused(f'a missing {name}', 'gateway-set', without(GATEWAY, name))
short('gateway-set', GATEWAY)
for name, value in (('lan-ifindex', 0), ('lan-ifindex', 999999), ('wan-ifindex', 0), ('wan-ifindex', LAN),
                    ('lan-ipv4', 0), ('lan-ipv4', ip4('224.0.0.1')), ('lan-ipv4', ip4('127.0.0.1')),
                    ('lan-prefix-len', 0), ('lan-prefix-len', 31), ('lan-prefix-len', 33),
                    ('identity', 7), ('max-devices', 0), ('max-devices', 65537),
                    ('max-sessions', 0), ('max-sessions', 4194305), ('max-device-sessions', 0)):
    refused(f'{name} {value}', 'gateway-set', {**GATEWAY, name: value})
for name in GATEWAY['timeouts']:
    for value in (0, 604801):
        refused(f'timeouts.{name} {value}', 'gateway-set', {**GATEWAY, 'timeouts': {name: value}})

works('gateway-set makes the gateway', ynl.do, 'gateway-set', GATEWAY)
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok(all(got.get(k) == v for k, v in GATEWAY.items() if k != 'lan-ipv4') and got.get('lan-ipv4') == '192.168.1.1',
   'gateway-get tells what was set', got)
ok(got.get('devices') == 0 and got.get('sessions') == 0 and got.get('version'), 'and the counts and the version', got)
short('gateway-set', {**PREFIX, 'lender': mac(0x11), 'filter': 1})
for attrs in ({'nat64-prefix': PREFIX['nat64-prefix']}, {'nat64-prefix-len': 96}, {**PREFIX, 'nat64-prefix-len': 95},
              {**PREFIX, 'nat64-prefix-len': 97}, {**PREFIX, 'nat64-prefix': ip6('ff00::')},
              {**PREFIX, 'nat64-prefix': ip6('fe80::')}, {**PREFIX, 'nat64-prefix': ip6('2001:db8:1:2:300::')}):
    refused(f'{attrs}', 'gateway-set', attrs)
refused('filter 2', 'gateway-set', {'filter': 2})
refused('a lender that is no device', 'gateway-set', {'lender': mac(0x77)}, errno.ENOENT)
for length in (32, 40, 48, 56, 64, 96):
    works(f'gateway-set takes a NAT64 prefix of {length} bits', ynl.do, 'gateway-set',
          {'nat64-prefix': ip6('2001:db8::' if length > 32 else '64:ff9b::'), 'nat64-prefix-len': length})
works('and the well-known one, and the filter', ynl.do, 'gateway-set', {**PREFIX, 'filter': 1})
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok(got.get('nat64-prefix') == '64:ff9b::' and got.get('nat64-prefix-len') == 96 and got.get('filter') == 'forward'
   and 'lender' not in got, 'tells both, and no lender', got)
works('a length of 0 clears the prefix', ynl.do, 'gateway-set', {'nat64-prefix-len': 0, 'filter': 0})
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok('nat64-prefix' not in got and got.get('filter') == 'off', 'there is none any more', got)
refused('another LAN port', 'gateway-set', {'lan-ifindex': WAN, 'wan-ifindex': LAN})
works('gateway-set changes a timeout', ynl.do, 'gateway-set', {'timeouts': {'udp': 30}})
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {'timeouts': {}}
ok(got['timeouts'].get('udp') == 30 and got['timeouts'].get('icmp') == 60, 'that one only', got)

# --- devices
refused('a missing mac', 'device-add', without(DEVICE, 'mac'))
short('device-add', DEVICE)
for name, value in (('mac', bytes(6)), ('mac', b'\1\0\x5e\0\0\1'), ('mac', b'\xff' * 6), ('mac', Raw(mac(1) + b'\1')),
                    ('wan-prefix-len', 33), ('lan-ipv4', ip4('224.0.0.5')), ('wan-ipv4', ip4('127.0.0.1')),
                    ('wan-ipv4', 0xffffffff), ('lan-ipv4', ip4('192.168.1.1')), ('link-local', ip6('2001:db8::1')),
                    ('wan-ipv6', {'address': [{'ipv6': ip6('ff02::1'), 'prefix-len': 64}]}),
                    ('wan-ipv6', {'address': [{'ipv6': ip6('2001:db8:1::11'), 'prefix-len': 129}]}),
                    ('wan-ipv6', {'address': [{'prefix-len': 64}]}),
                    ('wan-ipv6', {'address': [{'ipv6': ip6(f'2001:db8:1::{n:x}'), 'prefix-len': 64}
                                              for n in range(0x21, 0x2a)]})):
    refused(f'{name} {value!r:.40}', 'device-add', {**DEVICE, name: value})
works('device-add', ynl.do, 'device-add', DEVICE)
got = works('device-get of one', ynl.do, 'device-get', {'mac': mac(0x11)}) or {}
ok(got.get('mac', '').lower() == '02:00:00:00:00:11' and got.get('lan-ipv4') == '192.168.1.11' and got.get('wan-ipv4') == '10.1.2.11'
   and got.get('wan-prefix-len') == 24 and got.get('wan-router') == '10.1.2.1' and got.get('link-local') == 'fe80::11'
   and got.get('wan-router6') == 'fe80::1' and got['wan-ipv6']['address'] == [{'ipv6': '2001:db8:1::11', 'prefix-len': 64}],
   'tells what was given', got)
ok('counters' in got and got.get('sessions') == 0 and 'idle' in got, 'and the counters', got)
refused('the same again', 'device-add', DEVICE, errno.EEXIST)
refused('another device\'s LAN address', 'device-add', {**OTHER, 'lan-ipv4': DEVICE['lan-ipv4']}, errno.EEXIST)
refused('another device\'s WAN address', 'device-add', {**OTHER, 'wan-ipv4': DEVICE['wan-ipv4']}, errno.EEXIST)
refused('another device\'s IPv6 address', 'device-add', {**OTHER, 'wan-ipv6': DEVICE['wan-ipv6']}, errno.EEXIST)
works('device-add of a second one', ynl.do, 'device-add', OTHER)
refused('an address of the first', 'device-set', {'mac': mac(0x12), 'wan-ipv4': DEVICE['wan-ipv4']}, errno.EEXIST)
refused('a missing mac', 'device-set', {'wan-ipv4': ip4('10.1.2.13')})
refused('an unknown device', 'device-set', {'mac': mac(0x77), 'wan-ipv4': ip4('10.1.2.13')}, errno.ENOENT)
short('device-set', without(DEVICE, 'mac') | {'mac': mac(0x11)})
works('device-set of one attribute', ynl.do, 'device-set', {'mac': mac(0x12), 'wan-ipv4': ip4('10.1.2.13')})
got = works('device-get', ynl.do, 'device-get', {'mac': mac(0x12)}) or {}
ok(got.get('wan-ipv4') == '10.1.2.13' and got.get('lan-ipv4') == '192.168.1.12', 'leaves the rest', got)
works('an empty list clears the IPv6 addresses', ynl.do, 'device-set', {'mac': mac(0x11), 'wan-ipv6': {}})
got = works('device-get', ynl.do, 'device-get', {'mac': mac(0x11)}) or {}
ok(not got.get('wan-ipv6', {}).get('address') and got.get('wan-ipv4') == '10.1.2.11', 'and nothing else', got)
got = works('device-get dumps', ynl.dump, 'device-get', {}) or []
ok(sorted(d.get('mac', '').lower() for d in got) == ['02:00:00:00:00:11', '02:00:00:00:00:12'], 'both', got)
refused('an unknown device', 'device-get', {'mac': mac(0x77)}, errno.ENOENT)
refused('a short mac', 'device-get', {'mac': Raw(b'\2\0')})

# --- forwards
for name in ('mac', 'protocol', 'port'):
    refused(f'a missing {name}', 'forward-add', without(FORWARD, name))
short('forward-add', FORWARD)
for name, value in (('port', 0), ('to', 0), ('protocol', 0), ('protocol', 1), ('protocol', 132)):
    refused(f'{name} {value}', 'forward-add', {**FORWARD, name: value})
refused('an unknown device', 'forward-add', {**FORWARD, 'mac': mac(0x77)}, errno.ENOENT)
works('forward-add', ynl.do, 'forward-add', FORWARD)
refused('the same port elsewhere', 'forward-add', {**FORWARD, 'to': 81}, errno.EEXIST)
works('forward-add of the same port, UDP', ynl.do, 'forward-add', {**FORWARD, 'protocol': 17, 'to': 53})
works('forward-add without `to`', ynl.do, 'forward-add', {'mac': mac(0x11), 'protocol': 6, 'port': 22})
got = works('forward-get dumps', ynl.dump, 'forward-get', {}) or []
ok(sorted((f.get('protocol'), f.get('port'), f.get('to')) for f in got) == [(6, 22, 22), (6, 8080, 80), (17, 8080, 53)],
   'all of them', got)
for name in ('mac', 'protocol', 'port'):
    refused(f'a missing {name}', 'forward-del', without(without(FORWARD, 'to'), name))
short('forward-del', without(FORWARD, 'to'))
refused('one that is not there', 'forward-del', {**without(FORWARD, 'to'), 'port': 9}, errno.ENOENT)
works('forward-del', ynl.do, 'forward-del', without(FORWARD, 'to'))
got = works('forward-get', ynl.dump, 'forward-get', {}) or []
ok(len(got) == 2, 'leaves the others', got)

# --- who lends, explicit mappings
works('gateway-set names a lender', ynl.do, 'gateway-set', {'lender': mac(0x11)})
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok(got.get('lender', '').lower() == '02:00:00:00:00:11', 'tells the lender', got)
for name in MAPPING:
    refused(f'a missing {name}', 'mapping-add', without(MAPPING, name))
short('mapping-add', MAPPING)
for name, value in (('ipv4', 0), ('ipv4', ip4('224.0.0.1')), ('ipv4', ip4('127.0.0.1')), ('ipv4', ip4('192.168.1.77')),
                    ('ipv6', bytes(16)), ('ipv6', ip6('::1')), ('ipv6', ip6('ff02::1')), ('ipv6', ip6('fe80::1')),
                    ('ipv6', ip6('::ffff:192.0.2.1'))):
    refused(f'{name} {value!r:.40}', 'mapping-add', {**MAPPING, name: value})
works('mapping-add', ynl.do, 'mapping-add', MAPPING)
works('mapping-add of a second one', ynl.do, 'mapping-add', {'ipv4': ip4('192.0.2.11'), 'ipv6': ip6('2001:db8::11')})
refused('its IPv4 address again', 'mapping-add', {**MAPPING, 'ipv6': ip6('2001:db8::12')}, errno.EEXIST)
refused('its IPv6 address again', 'mapping-add', {**MAPPING, 'ipv4': ip4('192.0.2.12')}, errno.EEXIST)
got = works('mapping-get dumps', ynl.dump, 'mapping-get', {}) or []
ok(got == [{'ipv4': '192.0.2.10', 'ipv6': '2001:db8::10'}, {'ipv4': '192.0.2.11', 'ipv6': '2001:db8::11'}], 'both', got)
refused('a LAN network that has the mapping inside', 'gateway-set', {'lan-ipv4': ip4('192.0.2.1'), 'lan-prefix-len': 24})
refused('a missing ipv4', 'mapping-del', {})
refused('one that is not there', 'mapping-del', {'ipv4': ip4('192.0.2.99')}, errno.ENOENT)
works('mapping-del', ynl.do, 'mapping-del', {'ipv4': MAPPING['ipv4']})
got = works('mapping-get', ynl.dump, 'mapping-get', {}) or []
ok([m.get('ipv4') for m in got] == ['192.0.2.11'], 'leaves the other', got)

# --- sessions, statistics
got = works('session-get dumps', ynl.dump, 'session-get', {})
ok(got == [], 'no session', got)
works('session-flush', ynl.do, 'session-flush', {})
works('session-flush of one device', ynl.do, 'session-flush', {'mac': mac(0x11)})
refused('an unknown device', 'session-flush', {'mac': mac(0x77)}, errno.ENOENT)
refused('a short mac', 'session-flush', {'mac': Raw(b'\2')})
got = works('stats-get', ynl.do, 'stats-get', {}) or {}
names = list(ynl.consts['drop-reason'].entries)
ok([d.get('reason') for d in got.get('drop', [])] == names and 'counters' in got, 'has each reason, in the enum\'s order', got)

names = list(ynl.consts['total'].entries)
ok([t.get('of') for t in got.get('total', [])] == names, 'and each total', got)

# --- events: netlink.sh has a device of an unknown MAC talk all the time
# The client binds its socket to subscribe, so it must not have asked anything before.
events = Family(SPEC, SCHEMA)
events.ntf_subscribe('events')
deadline = time.time() + 10
seen = []
while time.time() < deadline and not seen:
    events.check_ntf()
    seen = [m for m in events.async_msg_queue if m['name'] == 'device-seen-ntf']
    time.sleep(0.1)
ok(bool(seen) and seen[0]['msg'].get('mac', '').lower() == '02:00:00:00:00:01', 'device-seen-ntf tells of an unknown device', seen)

# --- removal
refused('an unknown device', 'device-del', {'mac': mac(0x77)}, errno.ENOENT)
refused('a missing mac', 'device-del', {})
works('device-del', ynl.do, 'device-del', {'mac': mac(0x11)})
got = works('forward-get', ynl.dump, 'forward-get', {})
ok(got == [], 'its forwards went with it', got)
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok('lender' not in got, 'nobody lends any more', got)
works('gateway-del', ynl.do, 'gateway-del', {})
refused('a second time', 'gateway-del', {}, errno.ENODEV)
works('gateway-set with the least', ynl.do, 'gateway-set',
      {k: GATEWAY[k] for k in ('lan-ifindex', 'wan-ifindex', 'lan-ipv4', 'lan-prefix-len')})
got = works('device-get', ynl.dump, 'device-get', {})
ok(got == [], 'a new gateway is empty', got)
got = works('gateway-get', ynl.do, 'gateway-get', {}) or {}
ok(got.get('max-devices') == 1000 and got.get('max-sessions') == 262144 and got.get('identity') == 'devices-only'
   and got.get('timeouts') == {'tcp-syn': 6, 'tcp-established': 7440, 'tcp-closing': 240, 'udp': 300, 'icmp': 60},
   'has the design\'s limits and timeouts', got)
works('gateway-del', ynl.do, 'gateway-del', {})

sys.exit(failures != 0)
