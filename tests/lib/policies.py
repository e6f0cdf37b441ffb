#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Random policies against a model: what each firewall lets through, told by real packets.

policies.py WG_RULES DIRECTORY SETS SEED [BACKEND...]

Runs in a network namespace of its own. Its ports are TUN devices with the names of WireGuard interfaces, a LAN
and a WAN port: what is written to one has come in by it, and what goes out by one is read from it. That a packet got
to the box itself shows by the box's answer: everything there is closed.

Each set is applied, a few hundred new flows are tried, and those of the set before once more: what the new rules deny
has to be cut, and what they allow goes on. The model below is written from what the rules are said to mean
and knows nothing of how they are rendered.

Prints TAP lines without numbers.
"""
import fcntl
import ipaddress
import json
import os
import random
import select
import struct
import subprocess
import sys
import zlib

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PORTS = [53, 80, 443, 1000]
PROBES = 150

TCP, UDP, OTHER = 6, 17, 99
ICMP = {4: 1, 6: 58}
ECHO = {4: 8, 6: 128}
ECHO_REPLY = {4: 0, 6: 129}
ERRORS = {4: (3,), 6: (1, 4)}          # that quote what was refused


# --- the site, and random policies for it ------------------------------------------------------

class Network:
    def __init__(self, name, number, stack):
        self.name, self.interface, self.stack = name, f"wg-{name}", stack
        self.families = {"ipv4": [4], "ipv6": [6], "dual": [4, 6]}[stack]
        self.net = {4: f"10.{number}.0.0/24", 6: f"fd00:{number}::/64"}
        self.number = number

    def host(self, family, n):
        return f"10.{self.number}.0.{n}" if family == 4 else f"fd00:{self.number}::{n:x}"

    def behind(self, family, n):
        """What lies behind its peer n."""
        return f"172.{self.number}.{n}.0/24" if family == 4 else f"fd01:{self.number}:{n}::/64"


NETWORKS = [Network("a", 10, "dual"), Network("b", 20, "ipv4"), Network("c", 30, "ipv6")]
PEERS = range(2, 9)                     # of each network; host 1 is the box, host 99 is nobody's
GROUPS = ["g1", "g2", "g3", "g4"]
LAN = {4: ("192.168.1.1", "192.168.1.0/24"), 6: ("fd02::1", "fd02::/64")}
WAN = {4: ("198.51.100.1", "198.51.100.0/24"), 6: ("2001:db8::1", "2001:db8::/64")}
LAN_HOSTS = {4: ["192.168.1.50", "192.168.1.7", "192.168.1.9"], 6: ["fd02::50", "fd02::7"]}
WAN_HOSTS = {4: ["198.51.100.9", "203.0.113.5"], 6: ["2001:db8::9", "2001:db8:5::5"]}
DEVICES = {"printer": "192.168.1.50", "02:00:00:00:00:07": "192.168.1.7", "gone": None}


def family_of(text):
    return ipaddress.ip_network(text).version


def random_target(rng, network, peers):
    cidrs = ["0.0.0.0/0", "::/0", LAN[4][1], LAN[6][1], WAN[4][1], WAN[6][1], "192.168.1.9/32", "203.0.113.5"]
    for other in NETWORKS:
        cidrs += [other.net[4], other.net[6]]
    cidrs += [network.host(4, 0) + "/30", network.host(6, 4) + "/127", network.behind(4, 3), network.behind(6, 3)]
    cidrs = [c for c in cidrs if family_of(c) in network.families]
    kind = rng.randrange(12)
    if kind < 3:
        return "any"
    if kind < 6:
        return rng.choice(cidrs)
    if kind < 8:
        return rng.choice(peers)["name"]
    if kind < 11:
        return rng.choice(GROUPS)
    return rng.choice(list(DEVICES)) if 4 in network.families else "any"


def random_rule(rng, network, peers):
    rule = {"direction": rng.choice(["output", "input"]), "action": rng.choice(["allow", "allow", "deny"]),
            "target": random_target(rng, network, peers)}
    protocol = rng.choice(["any", "any", "tcp", "udp", "icmp", None])
    if protocol:
        rule["protocol"] = protocol
    if protocol in ("tcp", "udp") and rng.randrange(3):
        rule["ports"] = rng.sample(PORTS, rng.randint(1, 3))
    return rule


def random_network(rng, network, port):
    peers = [{"name": "hub", "jump": True, "groups": rng.sample(GROUPS, rng.choice([0, 0, 1]))}]
    for n in PEERS:
        peer = {"name": f"p{n}", "groups": rng.sample(GROUPS, rng.choice([0, 1, 1, 1, 2, 3]))}
        if n in (3, 4):
            peer["extra_allowed_ips"] = [network.behind(f, n) for f in network.families]
        if not rng.randrange(10):
            peer["expires"] = "2001-01-01T00:00:00Z"
        peers.append(peer)
    for n, peer in enumerate(peers):
        for family in network.families:
            peer[f"ipv{family}_address"] = network.host(family, n + 1)
    policies = [{"name": f"q{i}", "rules": [random_rule(rng, network, peers) for _ in range(rng.randint(0, 5))]}
                for i in range(rng.randint(1, 4))]
    groups = [{"name": g, "priority": rng.choice([1, 10, 10, 500]),
               "policies": rng.sample([p["name"] for p in policies], rng.randint(0, len(policies)))} for g in GROUPS]
    site = {"name": network.name, "ip_stack_mode": network.stack, "listen_port": port,
            "peers": peers, "groups": groups, "policies": policies}
    for family in network.families:
        site[f"ipv{family}_cidr"] = network.net[family]
    if rng.randrange(2):
        site["dns"] = {"upstream": []}
    return site


def random_site(rng, backend):
    return {"firewall": backend, "networks": [random_network(rng, n, 51820 + i) for i, n in enumerate(NETWORKS)]}


# --- what the rules are said to mean -----------------------------------------------------------

class Model:
    def __init__(self, site):
        self.networks = {n["name"]: n for n in site["networks"]}
        self.peers = {(n["name"], p["name"]): self.addresses(p) for n in site["networks"] for p in n["peers"]}

    @staticmethod
    def addresses(peer):
        own = [peer[k] for k in ("ipv4_address", "ipv6_address") if k in peer]
        return [ipaddress.ip_network(a) for a in own + peer.get("extra_allowed_ips", [])]

    def is_peer(self, network, peer, ip):
        return any(ip in net for net in self.peers[network["name"], peer["name"]])

    def in_group(self, network, group, ip):
        return any(group in p["groups"] and "expires" not in p and self.is_peer(network, p, ip)
                   for p in network["peers"])

    def is_target(self, network, target, ip):
        if target == "any":
            return True
        if target in DEVICES:
            return DEVICES[target] is not None and ip == ipaddress.ip_address(DEVICES[target])
        if target in GROUPS:
            return self.in_group(network, target, ip)
        for peer in network["peers"]:
            if peer["name"] == target:
                return "expires" not in peer and self.is_peer(network, peer, ip)
        return ip in ipaddress.ip_network(target)

    def is_protocol(self, rule, probe):
        want = rule.get("protocol", "any")
        if want == "any":
            return True
        if probe.protocol != {"tcp": TCP, "udp": UDP, "icmp": ICMP[probe.family]}[want]:
            return False
        return "ports" not in rule or probe.port in rule["ports"]

    def verdict(self, network, probe, to_box):
        for peer in network["peers"]:
            if "expires" in peer and any(self.is_peer(network, peer, ip) for ip in (probe.src, probe.dst)):
                return False
        hub = network["peers"][0]
        if to_box and self.is_peer(network, hub, probe.dst):
            if probe.protocol == ICMP[probe.family]:
                return True
            if "dns" in network and probe.protocol in (TCP, UDP) and probe.port == 53:
                return True
        policies = {p["name"]: p["rules"] for p in network["policies"]}
        for group in sorted(network["groups"], key=lambda g: g["priority"]):
            for name in group["policies"]:
                for rule in policies[name]:
                    source, target = probe.src, probe.dst
                    if rule["direction"] == "input":
                        source, target = target, source
                    if self.in_group(network, group["name"], source) and \
                            self.is_target(network, rule["target"], target) and self.is_protocol(rule, probe):
                        return rule["action"] == "allow"
        return False

    def allows(self, probe):
        """By whose interface it comes in, and by whose it goes out: each must let it pass."""
        judges = {probe.inward, probe.outward} & {n.interface for n in NETWORKS}
        return all(self.verdict(self.networks[i[3:]], probe, probe.outward is None) for i in judges)


# --- packets -----------------------------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo(src, dst, protocol, length):
    if src.version == 4:
        return src.packed + dst.packed + struct.pack("!BBH", 0, protocol, length)
    return src.packed + dst.packed + struct.pack("!IHBB", length, 0, 0, protocol)


def transport(src, dst, protocol, sport, dport, kind, ack=0):
    """@sport tells the flow: a port, or an echo's identifier."""
    if protocol == TCP:
        body = struct.pack("!HHIIBBHHH", sport, dport, 1, ack, 5 << 4, 0x12 if ack else 0x02, 1024, 0, 0)
        at = 16
    elif protocol == UDP:
        body = struct.pack("!HHHH", sport, dport, 12, 0) + b"flow"
        at = 6
    elif protocol in ICMP.values():
        body = struct.pack("!BBHHH", kind, 0, 0, sport, 1) + b"flow"
        at = 2
    else:
        return struct.pack("!HH", sport, dport) + b"flow"
    head = b"" if protocol == 1 else pseudo(src, dst, protocol, len(body))
    return body[:at] + struct.pack("!H", checksum(head + body) or 0xFFFF) + body[at + 2:]


def packet(src, dst, protocol, body):
    if src.version == 4:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + src.packed + dst.packed
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body
    return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + src.packed + dst.packed + body


def parse(data):
    """(protocol, src, dst, body), or None."""
    if data[0] >> 4 == 4:
        return data[9], ipaddress.ip_address(data[12:16]), ipaddress.ip_address(data[16:20]), data[(data[0] & 15) * 4:]
    if data[0] >> 4 == 6:
        return data[6], ipaddress.ip_address(data[8:24]), ipaddress.ip_address(data[24:40]), data[40:]
    return None


class Probe:
    def __init__(self, src, dst, protocol, sport, port):
        (self.src, self.inward), (self.dst, self.outward) = src, dst
        self.family, self.protocol, self.sport, self.port = self.src.version, protocol, sport, port

    def __str__(self):
        return (f"{self.src} > {self.dst} protocol {self.protocol} {self.sport} > {self.port}, "
                f"in {self.inward} out {self.outward}")

    def data(self):
        body = transport(self.src, self.dst, self.protocol, self.sport, self.port, ECHO[self.family])
        return packet(self.src, self.dst, self.protocol, body)

    def answer(self):
        port = self.sport if self.protocol == ICMP[self.family] else self.port
        body = transport(self.dst, self.src, self.protocol, port, self.sport, ECHO_REPLY[self.family], ack=2)
        return packet(self.dst, self.src, self.protocol, body)


class Seen:
    """Which flow a packet is of, and whether it is the flow's own, an answer, or an error."""

    def __init__(self, data):
        protocol, self.src, self.dst, body = parse(data) or (None, None, None, b"")
        family = data[0] >> 4
        self.sport, self.kind = None, None
        if protocol in ICMP.values() and body and body[0] in ERRORS[family] and len(body) > 8:
            quoted = Seen(body[8:])
            self.sport, self.kind = quoted.sport, "error" if quoted.kind == "flow" else None
        elif protocol in ICMP.values() and len(body) >= 8 and body[0] in (ECHO[family], ECHO_REPLY[family]):
            self.sport = struct.unpack_from("!H", body, 4)[0]
            self.kind = "flow" if body[0] == ECHO[family] else "answer"
        elif protocol in (TCP, UDP, OTHER) and len(body) >= 4:
            one, other = struct.unpack_from("!HH", body)
            self.kind = "flow" if one >= 10000 else "answer"
            self.sport = max(one, other)


# --- the box -----------------------------------------------------------------------------------

def run(*argv, text=None):
    return subprocess.run(argv, check=True, capture_output=True, text=True, input=text).stdout


class Box:
    def __init__(self):
        self.own, self.files, self.routes, self.commands = set(), {}, [], []
        self.settings()
        for network in NETWORKS:
            for family in network.families:
                behind = [network.behind(family, n) for n in (3, 4)]
                self.port(network.interface, network.host(family, 1), network.net[family], behind)
        for family, everything in ((4, "0.0.0.0/0"), (6, "::/0")):
            self.port("lan0", *LAN[family], [])
            self.port("wan0", *WAN[family], [everything])
        self.routes.sort(key=lambda route: -route[0].prefixlen)
        run("ip", "-batch", "-", text="\n".join(self.commands))

    @staticmethod
    def settings():
        """Nothing that the box answers may be held back."""
        values = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.icmp_ratelimit=0",
                  "net.ipv6.icmp.ratelimit=0"]
        for name in ("all", "default"):
            values += [f"net.ipv4.conf.{name}.rp_filter=0", f"net.ipv4.conf.{name}.send_redirects=0",
                       f"net.ipv6.conf.{name}.accept_dad=0", f"net.ipv6.conf.{name}.router_solicitations=0"]
        run("sysctl", "-qw", *values)

    def port(self, name, address, net, more):
        if name not in self.files:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
            self.files[name] = fd
            self.commands.append(f"link set {name} up txqueuelen 4000")
        self.commands.append(f"address add {address}/{net.split('/')[1]} dev {name}")
        self.own.add(ipaddress.ip_address(address))
        for prefix in more:
            self.commands.append(f"route add {prefix} dev {name}")
        for prefix in [net] + list(more):
            self.routes.append((ipaddress.ip_network(prefix), name))

    def port_of(self, address):
        return next(name for net, name in self.routes if net.version == address.version and address in net)

    def drain(self):
        """All that has gone out: (port, what)."""
        seen = []
        while True:
            ready, _, _ = select.select(list(self.files.values()), [], [], 0)
            if not ready:
                return seen
            for name, fd in self.files.items():
                if fd not in ready:
                    continue
                for _ in range(4000):
                    try:
                        seen.append((name, Seen(os.read(fd, 2048))))
                    except BlockingIOError:
                        break

    def send(self, packets):
        """packets: (port, data); what went out meanwhile."""
        seen = []
        for i, (name, data) in enumerate(packets):
            os.write(self.files[name], data)
            if i % 100 == 99:
                seen += self.drain()
        return seen + self.drain()


def hosts(network, family):
    behind = [str(ipaddress.ip_network(network.behind(family, n))[5]) for n in (3, 4)]
    return [network.host(family, n) for n in PEERS] + behind + [network.host(family, 99)]


class Places:
    """Who there is to send and to be sent to, of a family: (address, its port; None: the box)."""

    def __init__(self, box, family):
        def at(addresses):
            return [(ip, box.port_of(ip)) for ip in map(ipaddress.ip_address, addresses)]
        self.networks = [at(hosts(n, family)) for n in NETWORKS if family in n.families]
        self.inside = sum(self.networks, [])
        self.outside = at(LAN_HOSTS[family] + WAN_HOSTS[family])
        self.box = [(ip, None) for ip in sorted(box.own, key=str) if ip.version == family]

    def pair(self, rng):
        one = rng.choice(self.networks)
        sources, targets = rng.choice([(self.inside, self.inside), (one, one), (self.inside, self.outside),
                                       (self.outside, self.inside), (self.inside, self.box),
                                       (self.outside, self.outside)])
        return rng.choice(sources), rng.choice(targets)


def random_probe(rng, places, sport):
    family = rng.choice([4, 6])
    protocol = rng.choice([TCP, UDP, ICMP[family], TCP, UDP, OTHER])
    while True:
        src, dst = places[family].pair(rng)
        turned_back = src[1] == dst[1] and src[1] in ("lan0", "wan0")
        # Without ports both directions would be one flow: only one of them is tried.
        backward = protocol == OTHER and zlib.crc32(src[0].packed) > zlib.crc32(dst[0].packed)
        if src != dst and not turned_back and not backward:
            return Probe(src, dst, protocol, sport, rng.choice(PORTS))


def passed(probes, seen):
    """The flows that got where they lead, with every other place where they were seen as a fault."""
    by_sport, through, faults = {p.sport: p for p in probes}, set(), []
    for name, what in seen:
        probe = by_sport.get(what.sport)
        if not probe:
            continue
        if probe.outward is None and what.kind in ("answer", "error") and what.dst == probe.src:
            through.add(probe.sport)
        elif what.kind == "flow" and what.dst == probe.dst and name == probe.outward:
            through.add(probe.sport)
        elif what.kind == "flow":
            faults.append(f"{probe}: seen at {name}")
    return through, faults


def judge(box, model, probes):
    """Each probe as the model says; what passed is answered, and that must come back."""
    through, faults = passed(probes, box.send([(p.inward, p.data()) for p in probes]))
    for probe in probes:
        if (probe.sport in through) != model.allows(probe):
            faults.append(f"{probe}: {'passed' if probe.sport in through else 'dropped'}")
    answered = [p for p in probes if p.sport in through and p.outward]
    back = {w.sport for name, w in box.send([(p.outward, p.answer()) for p in answered]) if w.kind == "answer"}
    faults += [f"{p}: the answer did not come back" for p in answered if p.sport not in back]
    return faults, len(through)


class Firewall:
    """What applies: one process, as the agent is."""

    def __init__(self, tool, directory):
        self.path = os.path.join(directory, "policies.json")
        self.process = subprocess.Popen([tool, "follow"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def apply(self, site):
        with open(self.path, "w", encoding="utf-8") as file:
            json.dump(site, file)
        self.process.stdin.write(self.path + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline() == "done\n"


def compare(box, firewall, backend, sets, seed):
    """The first set with a fault ends it: its policies stay in the file."""
    rng = random.Random(seed)
    places = {family: Places(box, family) for family in (4, 6)}
    tried, through, before = 0, 0, []
    for number in range(sets):
        site = random_site(rng, backend)
        if not firewall.apply(site):
            return [f"set {number}: not applied"], tried, through
        model, first = Model(site), 10000 + number % 2 * 20000
        probes = [random_probe(rng, places, first + i) for i in range(PROBES)]
        for some in (before, probes):
            faults, count = judge(box, model, some)
            tried, through = tried + len(some), through + count
            if faults:
                return [f"set {number}: {fault}" for fault in faults], tried, through
        before = probes
    return [], tried, through


def main():
    tool, directory, sets, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    box, firewall = Box(), Firewall(tool, directory)
    failed = False
    for backend in sys.argv[5:] or ["nftables", "iptables"]:
        faults, tried, through = compare(box, firewall, backend, sets, seed)
        good = not faults and tried // 10 < through < tried * 9 // 10
        failed = failed or not good
        print(f"{'' if good else 'not '}ok - {backend}: {sets} policy sets let through what they say "
              f"(seed {seed}: {tried} flows, {through} let through)", flush=True)
        for fault in faults[:20]:
            print(f"# {fault}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
