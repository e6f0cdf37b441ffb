# SPDX-License-Identifier: GPL-2.0-only
"""What xlat-vectors and icmp_xlat-vectors share: packets, and how C gets to know them.

An implementation of its own, in another language and the straight way: every
packet is built from its fields with checksums computed over the whole.
"""
import ipaddress
import struct

# The site of wire.h.
LAN_GW, DEVICE, DEVICE2 = "192.168.1.1", "192.168.1.100", "192.168.1.101"
WAN4, PEER4 = "10.1.2.50", "10.1.2.200"
WAN6, PEER6, WAN6_2 = "2001:db8:1::50", "2001:db8:1::200", "2001:db8:1::51"
ALIAS, HOST6 = "192.0.2.10", "2001:db8:9::10"                   # an explicit mapping
FAR4, FAR64 = "198.51.100.7", "64:ff9b::198.51.100.7"           # by the NAT64 prefix
BOX = "203.0.113.1"                                             # the gateway's own stack

TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
SYN, SYNACK, PSHACK = 0x02, 0x12, 0x18
ODD = b"an odd number of bytes"[:21]


def addr(text):
    return ipaddress.ip_address(text).packed


def csum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, payload, ttl=64, tos=0, df=True, ident=0, options=b"", mf=False, offset=0):
    ihl = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | ihl, tos, ihl * 4 + len(payload), ident,
                       df << 14 | mf << 13 | offset // 8, ttl, proto, 0) + addr(src) + addr(dst) + options
    head = head[:10] + struct.pack("!H", csum(head)) + head[12:]
    return head + payload


def ip6(src, dst, proto, payload, hop_limit=64, tclass=0, flow=0):
    return struct.pack("!IHBB", 6 << 28 | tclass << 20 | flow, len(payload), proto,
                       hop_limit) + addr(src) + addr(dst) + payload


def fragment(proto, ident, offset=0, more=False):
    return struct.pack("!BBHI", proto, 0, offset | more, ident)


def pseudo(src, dst, proto, length):
    return addr(src) + addr(dst) + struct.pack("!II", length, proto)


def l4(src, dst, proto, segment, at):
    value = csum(pseudo(src, dst, proto, len(segment)) + segment)
    if proto == UDP and not value:
        value = 0xFFFF
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def tcp(src, dst, sport, dport, flags, options=b"", data=b""):
    segment = struct.pack("!HHIIBBHHH", sport, dport, 0x01020304, 0x0A0B0C0D,
                          (5 + len(options) // 4) << 4, flags, 64240, 0, 0) + options + data
    return l4(src, dst, TCP, segment, 16)


def udp(src, dst, sport, dport, data, zero=False):
    segment = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    return segment if zero else l4(src, dst, UDP, segment, 6)


def icmp(kind, code, word, data):
    segment = struct.pack("!BBHI", kind, code, 0, word) + data
    return segment[:2] + struct.pack("!H", csum(segment)) + segment[4:]


def icmp6(src, dst, kind, code, word, data):
    return l4(src, dst, ICMP6, struct.pack("!BBHI", kind, code, 0, word) + data, 2)


def echo(kind, ident, data):
    return icmp(kind, 0, ident << 16 | 7, data)


def echo6(src, dst, kind, ident, data):
    return icmp6(src, dst, kind, 0, ident << 16 | 7, data)


def mss(value):
    return struct.pack("!BBH", 2, 4, value)


vectors = []


def vector(name, rule, door, before, out=None, after=None, reason=None, device=1):
    """What comes in at a door and goes out at another, or is dropped for a reason."""
    vectors.append((name, rule, door, device, before, out or door, after, reason))


def c_bytes(data):
    rows = [", ".join(f"0x{byte:02x}" for byte in data[i:i + 15]) for i in range(0, len(data), 15)]
    return "\n".join(f"\t{row}," for row in rows)


def c_array(name, data):
    print(f"\nstatic const u8 {name}[] = {{\n{c_bytes(data)}\n}};")


def write(maker):
    print("/* SPDX-License-Identifier: GPL-2.0-only */")
    print(f"/* Made by tests/kunit/{maker}. */")
    for name, rule, door, device, before, out, after, reason in vectors:
        c_array(f"{name}_before", before)
        if after:
            c_array(f"{name}_after", after)
    print("\nstatic const struct vector vectors[] = {")
    for name, rule, door, device, before, out, after, reason in vectors:
        why = f"DOPPEL_DROP_REASON_{reason}" if reason else "NO_REASON"
        end = f"{name}_after, sizeof({name}_after)" if after else "NULL, 0"
        print(f'\t{{ "{name} ({rule})",\n'
              f"\t  DOOR_{door}, {device}, DOOR_{out}, {why},\n"
              f"\t  {name}_before, sizeof({name}_before),\n"
              f"\t  {end} }},")
    print("};")
