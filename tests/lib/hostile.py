#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# hostile.py wan PORT DEVICE-MAC DEVICE-IPV4 DEVICE-IPV6     frames that no honest host sends
# hostile.py lan PORT DEVICE-MAC DEVICE-IPV4 GATEWAY-MAC
#
# Truncated and lying frames. Prints "CLASS COUNT" lines: `drop` frames must each be counted as
# dropped, `ignore` ones must only change nothing, `spoof` ones must count as lan-spoof.

import ipaddress
import socket
import struct
import sys

import frames
from frames import ICMP6, TCP, checksum, summed

SIDE, PORT = sys.argv[1:3]
DEVICE = bytes.fromhex(sys.argv[3].replace(':', ''))
IP4 = ipaddress.IPv4Address(sys.argv[4]).packed
CLIENT4 = ipaddress.IPv4Address('10.1.2.200').packed
CLIENT6 = ipaddress.IPv6Address('2001:db8:1::200').packed

sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind((PORT, 0))
OWN = sock.getsockname()[4]
counts = {}


def send(kind, dst, ethertype, payload, src=OWN):
    sock.send(dst + src + struct.pack('!H', ethertype) + payload)
    counts[kind] = counts.get(kind, 0) + 1


def ipv4(payload, proto=TCP, src=CLIENT4, dst=IP4, **more):
    return frames.ipv4(payload, proto, src, dst, **more)


def ipv6(payload, proto=TCP, src=CLIENT6, dst=None, **more):
    return frames.ipv6(payload, proto, src, dst or IP6, **more)


def tcp(sport=999, dport=80, **more):
    return frames.tcp(sport, dport, **more)


def udp(payload, sport=67, dport=68, length=None):
    return frames.udp(payload, sport, dport, length)


def icmp6(body, src=CLIENT6, dst=None, hops=255):
    return ipv6(summed(body, ICMP6, src, dst or IP6), ICMP6, src, dst, hops=hops)


def ip_headers(kind, dst):
    """IPv4 whose header is cut short or contradicts itself."""
    whole = ipv4(tcp())
    for length in (0, 1, 10, 19):
        send(kind, dst, 0x800, whole[:length])
    send(kind, dst, 0x800, ipv4(tcp(), ihl=4))
    send(kind, dst, 0x800, ipv4(tcp(), ihl=0))
    send(kind, dst, 0x800, ipv4(tcp(), ihl=15))
    send(kind, dst, 0x800, ipv4(tcp(), version=6))
    send(kind, dst, 0x800, ipv4(tcp(), total=1400))
    send(kind, dst, 0x800, ipv4(tcp(), total=65535))
    send(kind, dst, 0x800, ipv4(tcp(), total=19))
    send(kind, dst, 0x800, ipv4(tcp(), total=0))
    send(kind, dst, 0x800, ipv4(tcp(), sum_=0x1234))


def wan():
    # IPv4
    ip_headers('drop', DEVICE)
    for source in ('127.0.0.1', '224.0.0.1', '255.255.255.255', '0.0.0.0'):
        send('drop', DEVICE, 0x800, ipv4(tcp(), src=ipaddress.IPv4Address(source).packed))
    send('drop', DEVICE, 0x800, ipv4(tcp(), src=IP4))
    # TCP, UDP, ICMP
    for length in (0, 4, 19):
        send('drop', DEVICE, 0x800, ipv4(tcp()[:length]))
    for doff in (0, 4, 15):
        send('drop', DEVICE, 0x800, ipv4(tcp(doff=doff)))
    for flags in (0x00, 0x04, 0x10, 0x03, 0x06, 0x3f):     # none, RST, ACK, SYN|FIN, SYN|RST, all
        send('drop', DEVICE, 0x800, ipv4(tcp(sport=1000 + flags, dport=8080, flags=flags)))
    for length in (0, 4, 7):
        send('drop', DEVICE, 0x800, ipv4(udp(b'xxxx', 9, 5000)[:length], 17))
    for length in (0, 7, 13, 9000):
        send('drop', DEVICE, 0x800, ipv4(udp(b'xxxx', 9, 5000, length), 17))
    for length in (0, 3, 7):
        send('drop', DEVICE, 0x800, ipv4(b'\x08\0\0\0\0\0\0\0'[:length], 1))
    inner = ipv4(tcp(), src=IP4, dst=CLIENT4)
    for cut in (0, 1, 19, 20, 27):                           # ICMP errors about truncated packets
        body = b'\3\1\0\0\0\0\0\0' + inner[:cut]
        body = body[:2] + struct.pack('!H', checksum(body)) + body[4:]
        send('drop', DEVICE, 0x800, ipv4(body, 1))
    for proto in (0, 2, 47, 132, 255):
        send('drop', DEVICE, 0x800, ipv4(b'\0' * 20, proto))
    # fragments: tiny, overlapping, beyond the end
    send('ignore', DEVICE, 0x800, ipv4(tcp()[:8], frag=0x2000))
    send('ignore', DEVICE, 0x800, ipv4(tcp()[8:], frag=0x0001))
    send('ignore', DEVICE, 0x800, ipv4(b'\0' * 64, frag=0x1fff))
    # IPv6
    whole = ipv6(tcp())
    for length in (0, 1, 39):
        send('drop', DEVICE, 0x86dd, whole[:length])
    send('drop', DEVICE, 0x86dd, ipv6(tcp(), version=4))
    send('drop', DEVICE, 0x86dd, ipv6(tcp(), length=1400))
    send('drop', DEVICE, 0x86dd, ipv6(tcp(), length=65535))
    send('drop', DEVICE, 0x86dd, ipv6(tcp(), length=4))
    for source in ('::', '::1', 'ff02::1'):
        send('drop', DEVICE, 0x86dd, ipv6(tcp(), src=ipaddress.IPv6Address(source).packed))
    send('drop', DEVICE, 0x86dd, ipv6(tcp(), src=IP6))
    for proto in (0, 43, 60):                                # extension headers that run out of the packet
        send('drop', DEVICE, 0x86dd, ipv6(b'\6\xff' + b'\0' * 6 + tcp(), proto))
        send('drop', DEVICE, 0x86dd, ipv6(b'\6', proto))
        send('drop', DEVICE, 0x86dd, ipv6((bytes([proto]) + b'\0' * 7) * 40, proto))
    send('drop', DEVICE, 0x86dd, ipv6(b'\6\0\0', 44))        # a fragment header cut short
    send('ignore', DEVICE, 0x86dd, ipv6(b'\6\0\xff\xf9\0\0\0\1' + tcp(), 44))
    for length in (0, 4, 19):
        send('drop', DEVICE, 0x86dd, ipv6(tcp()[:length]))
    for doff in (0, 4, 15):
        send('drop', DEVICE, 0x86dd, ipv6(tcp(doff=doff)))
    for length in (7, 9000):
        send('drop', DEVICE, 0x86dd, ipv6(udp(b'xxxx', 9, 5000, length), 17))
    send('drop', DEVICE, 0x86dd, ipv6(b'\x80\0', 58))
    for cut in (0, 39, 40, 44):
        send('drop', DEVICE, 0x86dd, icmp6(b'\1\4\0\0\0\0\0\0' + ipv6(tcp(), src=IP6, dst=CLIENT6)[:cut]))
    # ND: not from this link, cut short, options of no length or too much of it, wrong targets
    ns, slla = b'\x87\0\0\0\0\0\0\0' + IP6, b'\1\1' + OWN
    for body, hops in ((ns + slla, 64), (ns[:8], 255), (ns[:23], 255), (ns + b'\1\0' + OWN, 255), (ns + b'\1\x20' + OWN, 255),
                       (ns + b'\1', 255), (ns[:8] + b'\xff\2' + b'\0' * 13 + b'\1', 255),
                       (b'\x87\1' + ns[2:] + slla, 255)):
        send('ignore', DEVICE, 0x86dd, icmp6(body, hops=hops))
    all_nodes, ra_mac = ipaddress.IPv6Address('ff02::1').packed, bytes.fromhex('333300000001')
    local = ipaddress.IPv6Address('fe80::bad').packed
    ra = b'\x86\0\0\0\x40\0\x07\x08' + b'\0' * 8
    prefix = b'\3\4\x40\xc0' + struct.pack('!III', 3600, 1800, 0) + ipaddress.IPv6Address('2001:db8:bad::').packed
    for body, source, hops in (
            (ra + prefix, local, 64), (ra + prefix, CLIENT6, 255), (ra[:12], local, 255), (ra[:15], local, 255),
            (ra + b'\3\0' + prefix[2:], local, 255), (ra + prefix[:20], local, 255), (ra + b'\3\1' + prefix[2:8], local, 255),
            (b'\x86\1' + ra[2:] + prefix, local, 255)):
        send('ignore', ra_mac, 0x86dd, icmp6(body, source, all_nodes, hops))
    # ARP
    arp = struct.pack('!HHBBH6s4s6s4s', 1, 0x800, 6, 4, 1, OWN, CLIENT4, bytes(6), IP4)
    for length in (0, 8, 20, 27):
        send('ignore', b'\xff' * 6, 0x806, arp[:length])
    for bad in (struct.pack('!HHBBH', 6, 0x800, 6, 4, 1), struct.pack('!HHBBH', 1, 0x86dd, 6, 4, 1),
                struct.pack('!HHBBH', 1, 0x800, 5, 4, 1), struct.pack('!HHBBH', 1, 0x800, 6, 16, 1),
                struct.pack('!HHBBH', 1, 0x800, 6, 4, 9)):
        send('ignore', b'\xff' * 6, 0x806, bad + arp[8:])
    # DHCP that nobody asked for: the agent must not move
    cookie = b'\x63\x82\x53\x63'
    bootp = struct.pack('!BBBBIHHIIII16s', 2, 1, 6, 0, 0xbadbad, 0, 0, 0, 0x0a010263, 0, 0, DEVICE + bytes(10)) + bytes(192)
    server = b'\x36\4\x0a\1\2\xc8'
    for body in (b'', bootp[:100], bootp, bootp + b'\1\2\3\4', bootp + cookie, bootp + cookie + b'\x35',
                 bootp + cookie + b'\x35\1', bootp + cookie + b'\x35\xff\5', bootp + cookie + b'\x35\0\xff',
                 bootp + cookie + b'\x35\1\2' + server + b'\xff', bootp + cookie + b'\x35\1\5' + server + b'\xff',
                 bootp + cookie + b'\x35\1\6' + server + b'\xff', bootp + cookie + b'\x34\1\3\x35\1\5' + b'\xff',
                 bootp[:2] + b'\x10' + bootp[3:] + cookie + b'\x35\1\6\xff'):
        send('ignore', DEVICE, 0x800, ipv4(udp(body), 17))
        send('ignore', b'\xff' * 6, 0x800, ipv4(udp(body), 17, dst=b'\xff' * 4))
    duid = b'\0\1\0\x0a\0\3\0\1' + DEVICE
    local_device = bytes.fromhex('fe80') + bytes(6) + bytes([DEVICE[0] ^ 2]) + DEVICE[1:3] + b'\xff\xfe' + DEVICE[3:]
    for body in (b'', b'\7', b'\7\0\0\1', b'\7\0\0\1\0\3', b'\7\0\0\1\0\3\xff\xff', b'\7\0\0\1' + duid,
                 b'\7\0\0\1' + duid + b'\0\2\0\0', b'\7\0\0\1' + duid + b'\0\3\0\4abcd',
                 b'\7\0\0\1' + duid + b'\0\3\0\x0c' + bytes(12) + b'\0\5\0\1a', b'\x0a\0\0\1' + duid, b'\x0d\xff' + bytes(32)):
        send('ignore', DEVICE, 0x86dd, ipv6(udp(body, 547, 546), 17, local, local_device))


def lan():
    gateway = bytes.fromhex(sys.argv[5].replace(':', ''))

    def out(payload, proto=6, source=IP4, **more):
        return ipv4(payload, proto, source, CLIENT4, **more)

    for source in ('192.168.1.77', '10.1.2.50', '8.8.8.8', '127.0.0.1', '224.0.0.1'):
        send('spoof', gateway, 0x800, out(tcp(), source=ipaddress.IPv4Address(source).packed))
    send('spoof', gateway, 0x800, out(tcp()), src=b'\2\0\0\0\0\2')      # the address of one, the MAC of another
    whole = out(tcp())
    for length in (0, 1, 19):
        send('drop', gateway, 0x800, whole[:length])
    for bad in (dict(ihl=4), dict(ihl=15), dict(total=1400), dict(total=19), dict(sum_=0x1234)):
        send('drop', gateway, 0x800, out(tcp(), **bad))
    for length in (0, 4, 19):
        send('drop', gateway, 0x800, out(tcp()[:length]))
    for doff in (0, 4, 15):
        send('drop', gateway, 0x800, out(tcp(doff=doff)))
    for length in (0, 7, 9000):
        send('drop', gateway, 0x800, out(udp(b'xxxx', 9, 9, length), 17))
    send('drop', gateway, 0x800, out(tcp(), ttl=1))
    send('drop', gateway, 0x800, out(tcp(), ttl=0))
    send('drop', gateway, 0x800, out(b'\0' * 8, 132))
    arp = struct.pack('!HHBBH6s4s6s4s', 1, 0x800, 6, 4, 1, OWN, IP4, bytes(6), b'\xc0\xa8\1\1')
    for length in (0, 8, 27):
        send('ignore', b'\xff' * 6, 0x806, arp[:length])
    send('ignore', b'\xff' * 6, 0x806, arp[:14] + b'\xc0\xa8\1\1' + arp[18:])      # claims the gateway's address


if SIDE == 'wan':
    IP6 = ipaddress.IPv6Address(sys.argv[5]).packed
    wan()
else:
    lan()
for kind, count in counts.items():
    print(kind, count)
