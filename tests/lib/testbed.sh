#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A small internet in network namespaces, for scenarios and the demo. Run as root, in a guest
# (tools/vm) or anywhere with veth, bridges and nftables.
#
#   dev1 ─┐                                      ┌─────────── isp ───────────┐
#   dev2 ─┤ lan (switch) ── lan0 gw wan0 ── swgw │ br0: switch and router    │ ── client
#   devN ─┘ 192.168.1.0/24                       │ nftables: registered MACs │    10.1.2.200
#           IPv4 only                            │ Kea 4, Kea 6, radvd       │    2001:db8:1::200
#                                                └────────────┬──────────────┘
#                                                            far  198.51.100.80, 2001:db8:f::80
#
# testbed_up FLAVOUR       FLAVOUR: dual ipv4 ipv6-slaac ipv6-dhcp ipv6-both; static: dual, no servers, no services
# testbed_device N         a device with the MAC 02:00:00:00:00:0N; `register N` lets it pass upstream
# testbed_down             runs by itself at exit

tb_lib=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tb_root=$(readlink -f "$tb_lib/../..")
tb_name=$(basename "${0%.sh}")
: "${TB_LIMIT:=500}"			# seconds a scenario may take, on a busy machine
: "${TB_BIG:=4}"			# MiB of the large download
: "${TB_LEASE:=3600}"			# seconds, WAN leases, both families
: "${TB_T1:=$((TB_LEASE / 2))}"		# when they are renewed, and when by any server
: "${TB_T2:=$((TB_LEASE * 7 / 8))}"
: "${TB_SERVERS:=kea}"			# who gives addresses: kea (and radvd), isc (and radvd), dnsmasq; see servers.sh
: "${TB_RAPID:=true}"			# false: the DHCPv6 server knows no rapid commit
: "${TB_RAPID4:=false}"			# true: the DHCPv4 server knows it (RFC 4039): dnsmasq does
: "${TB_ROUTER_LIFE:=600}"		# seconds that an advertisement makes a default router for
: "${TB_PREFIX_LIFE:=3600}"		# and that its prefix is valid for; half of it it is preferred
: "${TB_IPV6_ONLY:=}"			# seconds: the DHCPv4 server prefers clients to do without IPv4 (RFC 8925)
: "${TB_SNOOPING:=0}"			# 1: the WAN switch snoops MLD and asks for members
: "${TB_DNS:=0}"			# 1: the WAN's router answers DNS, says DHCPv4, DHCPv6 ($NAMES6) and RDNSS
: "${TB_NAT64:=}"			# a /96: a NAT64 behind the router, which its DNS shows (RFC 7050)
: "${TB_PCAP:=$tb_root/build/pcap}"

# shellcheck source=tests/lib/tap.sh
. "$tb_lib/tap.sh"
# shellcheck source=tests/lib/servers.sh
. "$tb_lib/servers.sh"

readonly MAC_ROUTER=02:00:00:00:f0:01
readonly MAC_CLIENT=02:00:00:00:f0:02
readonly MAC_GW_LAN=02:00:00:00:fe:01
readonly MAC_GW_WAN=02:00:00:00:fe:02
readonly CLIENT4=10.1.2.200 CLIENT6=2001:db8:1::200
readonly FAR4=198.51.100.80 FAR6=2001:db8:f::80
readonly ROUTER6=2001:db8:1::1 NAMES6=2001:db8:1::54

tb=					# scratch directory of this run
tb_pids=()				# processes of ours
tb_net4=10.1.2 tb_net6=2001:db8:1	# the WAN's networks
declare -A isp_pids			# its servers: dhcp4, dhcp6, radvd
tb_namespaces=()

mac_of() { printf '02:00:00:00:00:%02x\n' "$1"; }
slaac_of() { printf '2001:db8:1::ff:fe00:%x\n' "$1"; }		# EUI-64 of mac_of

# in_ns NAMESPACE COMMAND... Only the gateway wants a /sys of its own, which costs more.
in_ns()
{
	local ns=$1
	shift

	case $ns in
	gw)	ip netns exec gw "$@" ;;
	*)	nsenter --net="/run/netns/$ns" "$@" ;;
	esac
}

# spawn LOGNAME NAMESPACE COMMAND...: in the background until the scenario ends; its pid is in $spawned.
spawn()
{
	local log=$tb/log/$1 ns=$2
	shift 2

	case $ns in
	gw)	exec ip netns exec gw "$@" ;;
	*)	exec nsenter --net="/run/netns/$ns" "$@" ;;
	esac >>"$log" 2>&1 </dev/null &
	spawned=$!
	tb_pids+=("$spawned")
}

# end PID [SIGNAL]: asks, waits, insists.
end()
{
	local i

	kill -"${2:-TERM}" "$1" 2>/dev/null || return 0
	for ((i = 0; i < 50; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

netns_add()
{
	local ns

	for ns; do
		ip netns add "$ns" || bail_out "cannot make namespace $ns"
		tb_namespaces+=("$ns")
		ip -n "$ns" link set lo up
	done
}

netns_sysctl()
{
	local ns=$1
	shift
	in_ns "$ns" sysctl -qw "$@"
}

# cable NS1 PORT1 NS2 PORT2
cable()
{
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || bail_out "cannot make a cable $2–$4"
}

# --- the WAN ---------------------------------------------------------------------------------

# register N...: the upstream firewall lets the devices pass. register_mac for others.
register_mac()
{
	local mac

	for mac; do
		in_ns isp nft add element bridge upstream registered "{ $mac }"
		tb_registered+=("$mac")
	done
}

register()
{
	local n

	for n; do
		register_mac "$(mac_of "$n")"
	done
}

# bind N IPV4: upstream DHCP snooping learns that the address is the device's (strict mode).
snoop_bind()
{
	in_ns isp nft add element bridge upstream bindings "{ $(mac_of "$1") . $2 }"
}

# From here on ARP is inspected: sender pairs that were not bound are dropped.
snoop_strict()
{
	in_ns isp nft add rule bridge upstream inspect iifname swgw ether type arp \
		arp saddr ip != 0.0.0.0 arp saddr ether . arp saddr ip != @bindings \
		counter name spoofed drop
}

# upstream_drops COUNTER: packets that the upstream firewall dropped (unregistered, spoofed)
upstream_drops()
{
	in_ns isp nft list counter bridge upstream "$1" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

isp_firewall()
{
	in_ns isp nft -f - <<-EOF
		table bridge upstream {
			set registered { type ether_addr; }
			set bindings { type ether_addr . ipv4_addr; }
			counter unregistered { }
			counter spoofed { }
			chain inspect { }
			chain in {
				type filter hook prerouting priority -300
				iifname "swgw*" ether saddr != @registered counter name unregistered drop
				jump inspect
			}
		}
	EOF
}

isp_kea4()
{
	local ipv6_only=

	[ -z "$TB_IPV6_ONLY" ] || ipv6_only=", {\"name\": \"v6-only-preferred\", \"data\": \"$TB_IPV6_ONLY\"}"
	cat >"$tb/kea4.json" <<-EOF
		{"Dhcp4": {
			"interfaces-config": {"interfaces": ["br0"], "dhcp-socket-type": "raw"},
			"lease-database": {"type": "memfile", "name": "$tb/leases4.csv", "lfc-interval": 0},
			"authoritative": true,
			"valid-lifetime": $TB_LEASE, "renew-timer": $TB_T1, "rebind-timer": $TB_T2,
			"subnet4": [{
				"subnet": "$tb_net4.0/24", "pools": [{"pool": "$tb_net4.50 - $tb_net4.199"}],
				"option-data": [{"name": "routers", "data": "$tb_net4.1"},
					{"name": "domain-name-servers", "data": "$tb_net4.1"}$ipv6_only]
			}],
			"loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}]
		}}
	EOF
	spawn kea4.log isp env KEA_PIDFILE_DIR="$tb" KEA_LOCKFILE_DIR="$tb" kea-dhcp4 -c "$tb/kea4.json"
	isp_pids[dhcp4]=$spawned
}

isp_kea6()
{
	local dns=

	[ "$TB_DNS" = 0 ] || dns="{\"name\": \"dns-servers\", \"data\": \"$NAMES6\"}"
	cat >"$tb/kea6.json" <<-EOF
		{"Dhcp6": {
			"interfaces-config": {"interfaces": ["br0"]},
			"data-directory": "$tb", "server-id": {"type": "LL", "persist": false},
			"lease-database": {"type": "memfile", "name": "$tb/leases6.csv", "lfc-interval": 0},
			"preferred-lifetime": $((TB_LEASE * 3 / 4)), "valid-lifetime": $TB_LEASE,
			"renew-timer": $TB_T1, "rebind-timer": $TB_T2,
			"subnet6": [{
				"subnet": "$tb_net6::/64", "interface": "br0", "rapid-commit": $TB_RAPID,
				"pools": [{"pool": "$tb_net6::1000 - $tb_net6::1fff"}],
				"option-data": [$dns]
			}],
			"loggers": [{"name": "kea-dhcp6", "severity": "INFO", "output_options": [{"output": "stdout"}]}]
		}}
	EOF
	spawn kea6.log isp env KEA_PIDFILE_DIR="$tb" KEA_LOCKFILE_DIR="$tb" kea-dhcp6 -c "$tb/kea6.json"
	isp_pids[dhcp6]=$spawned
}

# The names far.test, and by NAT64 those that RFC 7050 knows
isp_dns()
{
	local listen=127.0.0.1 nat64=()

	! wan_has4 || listen+=,10.1.2.1
	! wan_has6 || listen+=,$ROUTER6,$NAMES6
	[ -z "$TB_NAT64" ] || nat64=(--address="/ipv4only.arpa/$(nat64_of 192.0.0.170)")
	spawn dns.log isp dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --no-resolv \
		--no-hosts --log-facility=- --log-queries --bind-interfaces --listen-address="$listen" \
		--host-record="far.test,$FAR4" --local-ttl=60 "${nat64[@]}"
	# shellcheck disable=SC2034 # for scenarios
	isp_dns_pid=$spawned
}

# nat64_of IPV4: where it is found under the NAT64 prefix
nat64_of()
{
	local a b c d

	IFS=. read -r a b c d <<<"$1"
	printf '%s%02x%02x:%02x%02x\n' "${TB_NAT64%/96}" "$a" "$b" "$c" "$d"
}

# Who comes through it has an address of 198.51.101.0/24 behind it.
isp_nat64()
{
	cat >"$tb/tayga.conf" <<-EOF
		tun-device nat64
		ipv4-addr 198.51.101.1
		prefix $TB_NAT64
		dynamic-pool 198.51.101.0/24
	EOF
	in_ns isp tayga -c "$tb/tayga.conf" --mktun >>"$tb/log/tayga.log" || bail_out "tayga makes no port"
	ip -n isp link set nat64 up
	ip -n isp route add 198.51.101.0/24 dev nat64
	ip -n isp route add "$TB_NAT64" dev nat64
	spawn tayga.log isp tayga -c "$tb/tayga.conf" -d
}

isp_radvd()
{
	isp_radvd_config
	spawn radvd.log isp radvd -n -C "$tb/radvd.conf" -p "$tb/radvd.pid" -m stderr
	isp_pids[radvd]=$spawned
}

isp_radvd_config()
{
	local rdnss=

	[ "$TB_DNS" = 0 ] || rdnss="RDNSS $ROUTER6 { AdvRDNSSLifetime 600; };"
	cat >"$tb/radvd.conf" <<-EOF
		interface br0 {
			AdvSendAdvert on;
			MinRtrAdvInterval 3;
			MaxRtrAdvInterval 8;
			AdvDefaultLifetime $TB_ROUTER_LIFE;
			AdvManagedFlag $(wan_says M);
			AdvOtherConfigFlag $(wan_says O);
			prefix $tb_net6::/64 {
				AdvOnLink on;
				AdvAutonomous $(wan_says A);
				AdvPreferredLifetime $((TB_PREFIX_LIFE / 2));
				AdvValidLifetime $TB_PREFIX_LIFE;
				DeprecatePrefix on;
			};
			$rdnss
		};
	EOF
}

# lease4_of N, lease6_of N: the address that the server's lease file has for the device's MAC (DUID-LL of it)
lease4_of() { "lease4_by_$TB_SERVERS" "$(mac_of "$1")"; }
lease6_of() { "lease6_by_$TB_SERVERS" "00:03:00:01:$(mac_of "$1")"; }

lease4_by_kea()
{
	awk -F, -v mac="$1" '$2 == mac { a = ($10 == 0 && $4 > 0) ? $1 : "" } END { print a }' "$tb/leases4.csv"
}

lease6_by_kea()
{
	awk -F, -v duid="$1" '$2 == duid { a = ($14 == 0 && $3 > 0) ? $1 : "" } END { print a }' "$tb/leases6.csv"
}

# --- hosts -----------------------------------------------------------------------------------

# host_services NAMESPACE: HTTP on 80, 443 and 22 (/name: who answers, /cgi-bin/ip: who asked,
# /big: the large download), and UDP on 5000 that answers with its name.
host_services()
{
	local ns=$1 home=$tb/www/$1

	mkdir -p "$home/cgi-bin"
	echo "$ns" >"$home/name"
	ln -s "$tb/big" "$home/big"
	cat >"$home/cgi-bin/ip" <<-'EOF'
		#!/bin/sh
		printf 'Content-Type: text/plain\r\n\r\n'
		echo "$REMOTE_ADDR" | sed 's/^\[//; s/\]$//; s/^::ffff://'
	EOF
	chmod +x "$home/cgi-bin/ip"
	# shellcheck disable=SC2016
	spawn "$ns.services" "$ns" sh -c '
		for port in 80 443 22; do
			busybox httpd -f -p $port -h "$2" &
		done
		exec "$1" 5000 "$3"' services "$tb_lib/udp-name" "$home" "$ns"
}

# testbed_device N: attached to the LAN; it asks for its address by itself.
testbed_device()
{
	local n=$1 ns=dev$1

	netns_add "$ns"
	netns_sysctl "$ns" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	cable "$ns" eth0 lan "$ns"
	ip -n lan link set "$ns" master br0 up
	ip -n "$ns" link set eth0 address "$(mac_of "$n")" up
	host_services "$ns"
	spawn "$ns.dhcp" "$ns" env DNS_FILE="$tb/$ns.dns" busybox udhcpc -f -i eth0 -s "$tb_lib/udhcpc.sh" -t 3 -T 2 -A 2 -x hostname:"$ns"
}

# device_ip N: the device's LAN address; fails while it has none
device_ip()
{
	in_ns "dev$1" ip -4 -o addr show dev eth0 | sed -n 's/.*inet \([0-9.]*\).*/\1/p' | grep .
}

# http NAMESPACE ADDRESS PORT PATH: the body
http()
{
	local host=$2

	case $host in *:*) host="[$host]" ;; esac
	in_ns "$1" curl -gsS --noproxy '*' --connect-timeout 10 --max-time 30 "http://$host:$3$4"
}

# udp_ask NAMESPACE ADDRESS PORT [TEXT]: the answer to one datagram
udp_ask()
{
	# shellcheck disable=SC2016
	in_ns "$1" timeout 15 bash -c \
		'exec 3<>"/dev/udp/$0/$1" && echo "$2" >&3 && dd bs=9000 count=1 <&3 2>/dev/null' "$2" "$3" "${4:-hello}"
}

# resolve NAMESPACE NAME SERVER: the IPv4 address that the server has for the name
resolve()
{
	in_ns "$1" timeout 15 busybox nslookup -type=a "$2" "$3" | awk '/^Name:/ { found = 1 } found && /^Address/ { print $NF }'
}

# ping_from NAMESPACE ADDRESS
ping_from()
{
	in_ns "$1" ping -n -c 2 -i 0.3 -W 10 "$2"
}

# --- capture ---------------------------------------------------------------------------------

# capture_anew NAME: where a capture goes. Guests of several kernels share the directory, and may run the
# same scenario at the same time.
capture_anew()
{
	capture_file=$TB_PCAP/$tb_name.${DOPPEL_KERNEL:-none}-$1.pcap
	mkdir -p "$TB_PCAP"
	rm -f "$capture_file"
}

# capture_start NAME: every frame that comes in through the gateway's port, before the firewall
capture_start()
{
	capture_anew "$1"
	spawn "tcpdump-$1.log" isp tcpdump -i swgw -Q in -s 400 -U --immediate-mode -Z root -w "$capture_file"
	capture_pid=$spawned
	within 10 test -s "$capture_file" >/dev/null || bail_out "tcpdump does not start: $(cat "$tb/log/tcpdump-$1.log")"
}

# capture_read [TCPDUMP ARGUMENTS]: what else tcpdump says is in the log of the same name
capture_read()
{
	tcpdump -r "$capture_file" -nn "$@" 2>"$tb/log/tcpdump-read"
}

# capture_stop: what is on the way gets its second to arrive
capture_stop()
{
	sleep 1
	end "$capture_pid" INT
}

capture_sources() { capture_read -e -q | awk '{ print $2 }' | sort -u; }

# capture_dhcp TYPE [MAC]: how many DHCPv4 messages of the type (Discover, Request …) came
capture_dhcp()
{
	local filter='udp dst port 67'

	[ -z "${2:-}" ] || filter="$filter and ether src $2"
	capture_read -v "$filter" | grep -c "DHCP-Message (53), length 1: $1"
}

# capture_only_registered: fails and tells which frames had a source MAC that is not registered
capture_only_registered()
{
	local mac strangers=0 frames=0

	for mac in $(capture_sources); do
		frames=1
		case " ${tb_registered[*]} " in *" $mac "*) continue ;; esac
		strangers=1
		capture_read -e "ether src $mac" | head -n 5
	done
	[ $frames = 1 ] || { echo "nothing was captured"; cat "$tb/log/tcpdump-read"; ls -l "$capture_file"; }
	[ $frames = 1 ] && [ $strangers = 0 ]
}

# link_ipv4 add|del, link_ipv6 add|del: the family on the WAN's link: router and client have addresses
link_ipv4()
{
	ip -n isp addr "$1" 10.1.2.1/24 dev br0
	ip -n client addr "$1" $CLIENT4/24 dev eth0
	[ "$1" = del ] || ip -n client route add default via 10.1.2.1
}

link_ipv6()
{
	ip -n isp addr "$1" fe80::1/64 dev br0 nodad
	ip -n isp addr "$1" $ROUTER6/64 dev br0 nodad
	ip -n isp addr "$1" $NAMES6/64 dev br0 nodad
	ip -n client addr "$1" $CLIENT6/64 dev eth0 nodad
	ip -n client route "$1" default via fe80::1 dev eth0
}

# --- the whole -------------------------------------------------------------------------------

testbed_flavour()
{
	tb_v4=0 tb_slaac=0 tb_dhcp6=0 tb_servers=1
	case $1 in
	dual)		tb_v4=1 tb_slaac=1 tb_dhcp6=1 ;;
	static)		tb_v4=1 tb_slaac=1 tb_servers=0 ;;
	ipv4)		tb_v4=1 ;;
	ipv6-slaac)	tb_slaac=1 ;;
	ipv6-dhcp)	tb_dhcp6=1 ;;
	ipv6-both)	tb_slaac=1 tb_dhcp6=1 ;;
	*)		bail_out "unknown flavour $1" ;;
	esac
	tb_ra=
	! wan_has_dhcp6 || tb_ra+=MO
	! wan_has_slaac || tb_ra+=A
}

# wan_says FLAG: what router advertisements say of M, O or A
wan_says()
{
	case $tb_ra in
	*"$1"*)	echo on ;;
	*)	echo off ;;
	esac
}

wan_has4() { [ "$tb_v4" = 1 ]; }
wan_has_slaac() { [ "$tb_slaac" = 1 ]; }
wan_has_dhcp6() { [ "$tb_dhcp6" = 1 ]; }
wan_has6() { wan_has_slaac || wan_has_dhcp6; }

# A place for files, and an end that takes everything away. Daemons that are not root read their files there.
testbed_scratch()
{
	tb=$(mktemp -d /tmp/doppel-testbed.XXXXXX) || bail_out "no scratch directory"
	chmod 755 "$tb"
	mkdir "$tb/log" "$tb/www"
	trap testbed_down EXIT
	trap 'exit 1' INT TERM
	testbed_watchdog
}

testbed_up()
{
	local v6_off='net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1'

	testbed_flavour "$1"
	testbed_scratch
	tb_registered=()

	head -c $((TB_BIG << 20)) /dev/urandom >"$tb/big"
	# shellcheck disable=SC2034 # for scenarios
	tb_big_sum=$(sha256sum <"$tb/big")

	netns_add isp client far gw lan

	# The WAN switch and router
	netns_sysctl isp net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
	ip -n isp link add br0 address "$MAC_ROUTER" type bridge mcast_snooping "$TB_SNOOPING" \
		mcast_querier "$TB_SNOOPING" mcast_query_response_interval 100 mcast_query_interval 500
	ip -n isp link set br0 addrgenmode none
	isp_firewall
	cable gw wan0 isp swgw
	cable client eth0 isp swclient
	cable far eth0 isp far
	netns_sysctl isp net.ipv6.conf.swgw.disable_ipv6=1 net.ipv6.conf.swclient.disable_ipv6=1
	ip -n isp link set swclient master br0 up
	ip -n isp link set swgw master br0 up
	ip -n isp link set br0 up
	ip -n isp link set far up
	ip -n isp addr add 198.51.100.1/24 dev far
	ip -n isp addr add 2001:db8:f::1/64 dev far nodad

	# Hosts on the WAN: one on the same link, one behind the router
	netns_sysctl client net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.eth0.accept_ra=0
	ip -n client link set eth0 address "$MAC_CLIENT" up
	! wan_has4 || link_ipv4 add
	! wan_has6 || link_ipv6 add
	netns_sysctl far net.ipv6.conf.eth0.accept_ra=0
	ip -n far link set eth0 up
	ip -n far addr add $FAR4/24 dev eth0
	ip -n far addr add $FAR6/64 dev eth0 nodad
	ip -n far route add default via 198.51.100.1
	ip -n far route add default via 2001:db8:f::1

	# The LAN switch, and the gateway as it comes out of its box: two ports, no addresses. The WAN
	# port stays down, lest the kernel show its MAC before the module is on guard.
	# shellcheck disable=SC2086
	netns_sysctl lan $v6_off
	ip -n lan link add br0 type bridge
	ip -n lan link set br0 up
	cable gw lan0 lan gateway
	ip -n lan link set gateway master br0 up
	ip -n gw link set lan0 address $MAC_GW_LAN up
	ip -n gw link set wan0 address $MAC_GW_WAN

	if [ "$tb_servers" = 1 ]; then
		isp_servers
		host_services client
		host_services far
	fi
}

isp_servers()
{
	"isp_by_$TB_SERVERS"
	[ -z "$TB_NAT64" ] || isp_nat64
	[ "$TB_DNS" = 0 ] || isp_dns
}

isp_by_kea()
{
	! wan_has4 || isp_kea4
	! wan_has_dhcp6 || isp_kea6
	! wan_has6 || isp_radvd

	# A DHCP server that is not there yet would make the first try of every device fail.
	! wan_has4 || within 30 grep -q DHCP4_STARTED "$tb/log/kea4.log" || bail_out "kea-dhcp4 does not start"
	! wan_has_dhcp6 || within 30 grep -q DHCP6_STARTED "$tb/log/kea6.log" || bail_out "kea-dhcp6 does not start"
}

# The scenario ends by itself, whatever hangs.
testbed_watchdog()
{
	local main=$$

	(
		trap 'kill $!; exit 0' TERM
		sleep "$TB_LIMIT" &
		wait $!
		echo "Bail out! not done after $TB_LIMIT s"
		kill -TERM $main
	) &
	tb_watchdog=$!
}

testbed_down()
{
	local status=$? ns pid

	trap '' INT TERM
	trap - EXIT
	if [ $status -ne 0 ] || [ "${tap_failures:-0}" -gt 0 ]; then
		testbed_diag
	fi
	kill "$tb_watchdog" 2>/dev/null
	for pid in "${tb_pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	sleep 0.3
	# What is still there, our children's children included, is found in the namespaces.
	for ns in "${tb_namespaces[@]}"; do
		for pid in $(ip netns pids "$ns" 2>/dev/null); do
			kill -KILL "$pid" 2>/dev/null
		done
		ip netns del "$ns"
	done
	rm -rf "$tb"
	exit $status
}

# What a person wants to see after a failure. Scenarios add theirs by gateway_diag.
testbed_diag()
{
	local log

	{
		for log in "$tb"/log/*; do
			case $log in *.services|*/tcpdump*) continue ;; esac
			[ -s "$log" ] || continue
			echo "--- ${log##*/}"
			tail -n "${TB_LOG_LINES:-15}" "$log"
		done
		echo "--- upstream firewall: $(upstream_drops unregistered) unregistered, $(upstream_drops spoofed) spoofed"
		[ "$(type -t gateway_diag)" != function ] || gateway_diag
	} 2>&1 | diag
}
