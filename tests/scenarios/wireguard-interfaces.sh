#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# WireGuard networks in the kernel, by the part of the agent that puts them there: interfaces, peers,
# routes and sysctls as files of networks follow each other, and tunnels that do not notice.
#
#   one, two, three ── wan (switch and IPv6 router) ── eth0 gw
#
# The peers are plain `wg` and `ip`: 10.10.0.11, fd00:10::11 …, whom the box has by office's files.

# shellcheck source=tests/lib/wireguard.sh
. "$(dirname "$0")/../lib/wireguard.sh"

readonly ALL=(one two three)
declare -A secret public shaken number=([one]=11 [two]=12 [three]=13)
parts=$tb_root/build/programs/wg-parts

# host NAME ADDRESS: with a port eth0 at the switch
host()
{
	cable "$1" eth0 wan "sw$1"
	ip -n wan link set "sw$1" master br0 up
	ip -n "$1" addr add "$2/24" dev eth0
	ip -n "$1" link set eth0 up
}

router_config()
{
	cat >"$tb/radvd.conf" <<-EOF
		interface br0 {
			AdvSendAdvert on;
			MinRtrAdvInterval 3;
			MaxRtrAdvInterval 4;
			AdvDefaultLifetime 600;
			prefix $1::/64 { };
		};
	EOF
}

wan_up()
{
	ip -n wan link add br0 type bridge
	netns_sysctl wan net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
	ip -n wan link set br0 addrgenmode none
	ip -n wan addr add fe80::1/64 dev br0 nodad
	ip -n wan link set br0 up
	netns_sysctl gw net.ipv6.conf.default.accept_dad=0
	host gw 192.0.2.1
	router_config 2001:db8:1
	spawn radvd.log wan radvd -n -C "$tb/radvd.conf" -p "$tb/radvd.pid" -m stderr
	radvd_pid=$spawned
}

# peer_up NAME: a host with a tunnel to the box
peer_up()
{
	local n=${number[$1]}

	secret[$1]=$(wg genkey)
	public[$1]=$(wg pubkey <<<"${secret[$1]}")
	host "$1" "192.0.2.$n"
	ip -n "$1" link add wg0 type wireguard
	in_ns "$1" wg set wg0 private-key /dev/stdin <<<"${secret[$1]}"
	ip -n "$1" addr add "10.10.0.$n/24" dev wg0
	ip -n "$1" addr add "fd00:10::$n/64" dev wg0 nodad
	ip -n "$1" link set wg0 up
	ip -n "$1" route add 172.16.0.0/16 dev wg0
	ip -n "$1" route add fd00:16::/64 dev wg0
}

# peer NAME [MORE]: its line in a file
peer()
{
	echo "      - {name: $1, public_key: \"${public[$1]}\", $(own "$1")$2}"
}

own()
{
	local own="ipv4_address: 10.10.0.${number[$1]}"
	[ "$mode" != dual ] || own+=", ipv6_address: \"fd00:10::${number[$1]}\""
	[ "$mode" != ipv6 ] || own="ipv6_address: \"fd00:10::${number[$1]}\""
	echo "$own"
}

# office [PEER…]: the head of a file in the mode $mode, with those of its peers that are plain
office()
{
	local name

	echo "networks:"
	echo "  - name: office"
	echo "    ip_stack_mode: $mode"
	[ "$mode" = ipv6 ] || echo "    ipv4_cidr: 10.10.0.0/24"
	[ "$mode" = ipv4 ] || echo "    ipv6_cidr: \"fd00:10::/64\""
	echo "    peers:"
	echo "      - {name: hub, jump: true}"
	for name; do
		peer "$name"
	done
}

# other NAME CIDR PORT: one more network in a file
other()
{
	echo "  - {name: $1, cidr: $2, listen_port: $3, peers: [{name: hub, jump: true}, {name: a}]}"
}

# apply <FILE: what it says on stderr is kept in $tb/said
apply()
{
	cat >"$tb/wg.yaml"
	in_ns gw "$parts" "$tb/wg.yaml" interfaces 2>"$tb/said.all"
	local status=$?

	grep -v '^doppel: ' "$tb/said.all" >"$tb/said"
	cat "$tb/said"
	return $status
}

# hub_known: the peers know the box's key, which the first file has made
hub_known()
{
	local key name

	key=$(in_ns gw wg show wg-office public-key)
	for name in "${ALL[@]}"; do
		in_ns "$name" wg set wg0 peer "$key" endpoint 192.0.2.1:51820 \
			allowed-ips 10.10.0.0/24,172.16.0.0/16,fd00:10::/64,fd00:16::/64
	done
}

on_hub() { in_ns gw wg show wg-office "$1" | awk -v key="${public[$2]}" '$1 == key { $1 = ""; print substr($0, 2) }'; }
ips_of() { on_hub allowed-ips "$1" | tr ' ' '\n' | sort | xargs; }
shook() { on_hub latest-handshakes "$1"; }
sysctl_of() { in_ns gw sysctl -n "$1"; }
address() { ip -n gw -o addr show dev "$1" | awk '{ print $4 }' | sort | xargs; }
routes() { { ip -n gw route show proto 209; ip -n gw -6 route show proto 209; } | awk '{ print $1 }' | sort | xargs; }
default_router() { ip -n gw -6 route show default proto ra | grep -q 'via fe80::1 dev eth0'; }
has_prefix() { ip -n gw -6 -o addr show dev eth0 | grep -q "$1:"; }

# same_session NAME: its latest handshake is the one it was; WireGuard makes one anew after 120 s.
same_session()
{
	local now before=${shaken[$1]}

	now=$(shook "$1")
	shaken[$1]=$now
	[ -n "$now" ] && { [ "$now" = "$before" ] || [ $((now - before)) -gt 115 ]; }
}

# undisturbed NAME: the tunnels of one and two are the ones they were
undisturbed()
{
	check "$1: no handshake of one" same_session one
	check "$1: nor of two" same_session two
	check "$1: the TCP connection between them goes on" flow_goes_on it
}

testbed_scratch
netns_add wan gw "${ALL[@]}"
wan_up
for name in "${ALL[@]}"; do
	peer_up "$name"
done
within 20 default_router || bail_out "no router advertisement arrives"

# --- the modes -------------------------------------------------------------------------------

is "a box forwards nothing at first" "$(sysctl_of net.ipv4.ip_forward) $(sysctl_of net.ipv6.conf.all.forwarding)" "0 0"
mode=ipv4
check "an IPv4 network" apply < <(office one two)
is "R9.1 - an IPv4 network: IPv4 is forwarded, IPv6 is not" \
	"$(sysctl_of net.ipv4.ip_forward) $(sysctl_of net.ipv6.conf.all.forwarding)" "1 0"
is "R9.5 - IPv6 is off on its interface" "$(sysctl_of net.ipv6.conf.wg-office.disable_ipv6)" 1
is "R9.5 - which has the jump peer's IPv4 address alone" "$(address wg-office)" 10.10.0.1/24
is "R9.5 - as has a peer" "$(ips_of one)" 10.10.0.11/32
like "the interface says whose it is" "$(ip -n gw link show dev wg-office)" 'alias doppel office$'
like "and has room for its headers" "$(ip -n gw link show dev wg-office)" 'mtu 1420 '
is "and listens" "$(in_ns gw wg show wg-office listen-port)" 51820
hub_known
check "R9.1 - one reaches the box" ping_from one 10.10.0.1
check "R9.1 - so does two" ping_from two 10.10.0.1
check "R9.1 - one reaches two, through the box" ping_from one 10.10.0.12
check_not "three is no peer" ping_from three 10.10.0.1
flow_start it one two 10.10.0.12 7000
check "a TCP connection from one to two" flow_says it
shaken[one]=$(shook one) shaken[two]=$(shook two)
like "both have shaken hands" "${shaken[one]} ${shaken[two]}" '^[1-9][0-9]{9} [1-9][0-9]{9}$'

mode=dual
check "the network becomes dual" apply < <(office one two)
is "R9.3 - a dual-stack network: both are forwarded" \
	"$(sysctl_of net.ipv4.ip_forward) $(sysctl_of net.ipv6.conf.all.forwarding)" "1 1"
is "R9.3 - both addresses" "$(address wg-office)" "10.10.0.1/24 fd00:10::1/64"
is "R9.3 - a peer's, too" "$(ips_of one)" "10.10.0.11/32 fd00:10::11/128"
check "R9.3 - one reaches two by IPv6" ping_from one fd00:10::12
undisturbed "ipv4 to dual"
check "the box keeps the default router of its port" default_router
is "  as it goes on accepting advertisements" "$(sysctl_of net.ipv6.conf.eth0.accept_ra)" 2
router_config 2001:db8:2
end "$radvd_pid"
spawn radvd.log wan radvd -n -C "$tb/radvd.conf" -p "$tb/radvd.pid" -m stderr
check "  another prefix gives it an address" within 20 has_prefix 2001:db8:2

# --- one peer changes, the others do not notice ------------------------------------------------

check "three comes" apply < <(office one two three)
check "  and reaches two" ping_from three 10.10.0.12
undisturbed "a new peer"
check "one more time the same" apply < <(office one two three)
undisturbed "nothing new"

for name in two three; do
	ip -n $name addr add 172.16.0.1/32 dev lo
	ip -n $name addr add fd00:16::1/128 dev lo
done
behind=', extra_allowed_ips: [172.16.0.0/16, "fd00:16::/64"]'
check "networks behind two" apply < <(office one three; peer two "$behind")
is "  are its own" "$(ips_of two)" "10.10.0.12/32 172.16.0.0/16 fd00:10::12/128 fd00:16::/64"
is "  and have routes" "$(routes)" "172.16.0.0/16 fd00:16::/64"
check "  one reaches them" ping_from one 172.16.0.1
check "  by IPv6, too" ping_from one fd00:16::1
undisturbed "networks behind a peer"
check "they move to three" apply < <(office one two; peer three "$behind")
is "  three has them" "$(ips_of three)" "10.10.0.13/32 172.16.0.0/16 fd00:10::13/128 fd00:16::/64"
is "  two not" "$(ips_of two)" "10.10.0.12/32 fd00:10::12/128"
before=$(on_hub transfer three | awk '{ print $2 }')
check "  one reaches them" ping_from one 172.16.0.1
check "  through three" test "$(on_hub transfer three | awk '{ print $2 }')" -gt "$before"
undisturbed "networks that move"
check "they go back" apply < <(office one three; peer two "$behind")
check "and are gone" apply < <(office one two three)
is "  with their routes" "$(routes)" ""
is "  for two" "$(ips_of two)" "10.10.0.12/32 fd00:10::12/128"
undisturbed "networks that go"

psk=$(wg genpsk)
in_ns three wg set wg0 peer "$(in_ns gw wg show wg-office public-key)" preshared-key /dev/stdin <<<"$psk"
check "three gets a preshared key" apply < <(office one two; peer three ", preshared_key: \"$psk\"")
is "  which the kernel has" "$(on_hub preshared-keys three)" "$psk"
undisturbed "a preshared key"

check "three expires" apply < <(office one two; peer three ", preshared_key: \"$psk\", expires: 2026-01-01T00:00:00Z")
is "  and is no peer any more" "$(ips_of three)" ""
check_not "  nor gets anywhere" ping_from three 10.10.0.1
undisturbed "a peer that expires"

is "what the kernel knows of one" "$(in_ns gw "$parts" "$tb/wg.yaml" state office | grep -F "${public[one]}" | cut -d' ' -f1,2,5)" \
	"${public[one]} $(shook one) 192.0.2.11"

# --- modes that lose a family -------------------------------------------------------------------

mode=ipv4
check "the network becomes IPv4 again" apply < <(office one two)
is "R9.5 - the IPv6 address is gone" "$(address wg-office)" 10.10.0.1/24
is "R9.5 - and IPv6 off" "$(sysctl_of net.ipv6.conf.wg-office.disable_ipv6)" 1
is "R9.5 - a peer has one address left" "$(ips_of one)" 10.10.0.11/32
check_not "R9.5 - no IPv6 gets through" ping_from one fd00:10::12
undisturbed "dual to ipv4"

# --- others' interfaces, ports in use -----------------------------------------------------------

ip -n gw link add wg-b type wireguard
ip -n gw link add wg0 type wireguard
foreign=$(wg genkey)
in_ns gw wg set wg-b private-key /dev/stdin listen-port 4242 <<<"$foreign"
spawn socat.log gw socat UDP4-LISTEN:51900 -
within 10 in_ns gw sh -c "ss -Hlun 'sport = 51900' | grep -q ." || bail_out "nobody listens"
check_not "a name that somebody else's interface has, and a port in use" \
	apply < <(office one two; other b 10.2.0.0/24 51901; other c 10.3.0.0/24 51900; other d 10.4.0.0/24 51902)
like "  the name is told" "$(cat "$tb/said")" '^network b: there is an interface wg-b already, which is not doppel'
like "  and the port" "$(cat "$tb/said")" '^network c: UDP port 51900 is in use '
is "  that is all" "$(wc -l <"$tb/said")" 2
is "  the other's interface is as it was" "$(in_ns gw wg show wg-b private-key) $(in_ns gw wg show wg-b listen-port)" "$foreign 4242"
is "  the last network is there" "$(in_ns gw wg show wg-d listen-port) $(address wg-d)" "51902 10.4.0.1/24"
undisturbed "networks that fail"
end "$spawned"
check "the port is free" apply < <(office one two; other c 10.3.0.0/24 51900; other d 10.4.0.0/24 51902)
like "  and taken" "$(ip -n gw link show dev wg-c)" '[<,]UP[,>]'
check "two networks change ports" apply < <(office one two; other c 10.3.0.0/24 51902; other d 10.4.0.0/24 51900)
is "  with each other" "$(in_ns gw wg show wg-c listen-port) $(in_ns gw wg show wg-d listen-port)" "51902 51900"

# One that was killed while it made an interface leaves it without a sign whose it is.
ip -n gw link add doppel-new type wireguard
check "what a killed agent left behind is no obstacle" \
	apply < <(office one two; other c 10.3.0.0/24 51902; other e 10.5.0.0/24 51900)
is "  it is gone, and so is a network that nobody wants" "$(in_ns gw wg show interfaces | tr ' ' '\n' | sort | xargs)" \
	"wg-b wg-c wg-e wg-office wg0"
undisturbed "networks that come and go"

# --- many ------------------------------------------------------------------------------------

# More prefixes than a netlink message holds, with one peer and with many
many()
{
	local i

	office one two
	printf '      - {name: wide, extra_allowed_ips: ['
	for ((i = 0; i < 1000; i++)); do
		printf '100.%d.%d.0/24, ' $((64 + i / 256)) $((i % 256))
	done
	printf ']}\n'
	echo "  - name: big"
	echo "    ipv4_cidr: 10.64.0.0/16"
	echo "    listen_port: 51910"
	echo "    peers:"
	echo "      - {name: hub, jump: true}"
	for ((i = 0; i < 300; i++)); do
		echo "      - {name: p$i}"
	done
}

SECONDS=0
check "three hundred peers, and one with a thousand networks" apply < <(many)
note "$SECONDS s"
is "  all are there" "$(in_ns gw wg show wg-big peers | wc -l)" 300
is "  each with its own address" "$(in_ns gw wg show wg-big allowed-ips | cut -f 2 | sort -u | wc -l)" 300
is "  each network, too" "$(in_ns gw wg show wg-office allowed-ips | tr '\t' ' ' | tr ' ' '\n' | grep -c '^100\.')" 1000
is "  with its route" "$(routes | wc -w)" 1000
undisturbed "many others"
SECONDS=0
check "once more" apply < <(many)
note "$SECONDS s"
is "  nothing is lost" "$(in_ns gw wg show wg-office allowed-ips | tr '\t' ' ' | tr ' ' '\n' | grep -c '^100\.') $(routes | wc -w)" "1000 1000"
undisturbed "many once more"

check "no networks" apply <<<"networks: []"
is "  others' interfaces stay" "$(in_ns gw wg show interfaces | tr ' ' '\n' | sort | xargs)" "wg-b wg0"
is "  and no routes" "$(routes)" ""
tap_done
