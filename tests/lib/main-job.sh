#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The main job: every LAN device has a face of its own on the WAN. One function per thing to prove;
# scenarios choose the WAN.

# shellcheck source=tests/lib/gateway.sh
. "$(dirname "${BASH_SOURCE[0]}")/gateway.sh"

# The addresses that device N must have by the servers' own word, not by doppel's.
wan_addresses()
{
	! wan_has4 || lease4_of "$1"
	! wan_has_slaac || slaac_of "$1"
	! wan_has_dhcp6 || lease6_of "$1"
}

main_job_addresses()
{
	local n all

	for n; do
		like "dev$n has a LAN address of dnsmasq's" "$(device_ip "$n")" '^192\.168\.1\.(1[0-9][0-9]|2[0-4][0-9])$'
		is "  which doppel knows" "$(device_json "$n" .ipv4_address)" "$(device_ip "$n")"
		if wan_has4; then
			like "  the server leased an IPv4 address to its MAC" "$(lease4_of "$n")" '^10\.1\.2\.'
			is "  which is the one doppel shows" "$(wan4_of "$n")" "$(lease4_of "$n")"
		fi
		if wan_has_slaac; then
			is "  its SLAAC address is formed of its MAC" "$(slaac_told "$n")" "$(slaac_of "$n")"
		fi
		if wan_has_dhcp6; then
			like "  the server leased an IPv6 address to its DUID-LL" "$(lease6_of "$n")" '^2001:db8:1::1'
			is "  which is the one doppel shows" "$(dhcp6_told "$n")" "$(lease6_of "$n")"
		fi
	done
	all=$(for n; do wan_addresses "$n"; done)
	is "no two devices share an address" "$(sort <<<"$all" | uniq -d)" ""
}

# reaches NAME FROM ADDRESS PORT…: everything that asks there meets NAME
reaches()
{
	local name=$1 from=$2 address=$3 port got urls=() names=()
	shift 3

	case $address in *:*) address="[$address]" ;; esac
	for port; do
		urls+=("http://$address:$port/name")
		names+=("$name")
	done
	got=$(in_ns "$from" curl -gsS --noproxy '*' --connect-timeout 10 --max-time 30 "${urls[@]}" | tr '\n' ' ')
	[ "$got" = "${names[*]} " ] || { echo "$from asked ${urls[*]} and met: $got"; return 1; }
}

# opens FROM ADDRESS PORT: a TCP connection is made
opens()
{
	# shellcheck disable=SC2016
	in_ns "$1" timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$2" "$3"
}

udp_reaches()
{
	local name=$1 from=$2 address=$3 port got
	shift 3

	for port; do
		got=$(udp_ask "$from" "$address" "$port" "by-$port")
		[ "$got" = "$name by-$port" ] || { echo "$from → [$address]:$port/udp: '$got'"; return 1; }
	done
}

main_job_inbound()
{
	local n address

	for n; do
		for address in $(wan_addresses "$n"); do
			check "HTTP to $address, ports 8080 and 80, reaches dev$n" reaches "dev$n" client "$address" 8080 80
		done
	done
	for address in $(wan_addresses "$1"); do
		check "HTTP to $address from behind the router" reaches "dev$1" far "$address" 8080
		check "  UDP" udp_reaches "dev$1" client "$address" 5000 5001
		check "  ICMP echo" ping_from client "$address"
	done
}

# What no forward opens is closed. An IPv4 client keeps its address on the LAN, an IPv6 client is seen
# as the gateway.
main_job_faces()
{
	local address

	for address in $(wan_addresses "$1"); do
		check_not "a port of $address without a forward is closed" opens client "$address" 443
	done
	! wan_has4 || is "a device sees an IPv4 client's own address" \
		"$(http client "$(lease4_of "$1")" 80 /cgi-bin/ip)" $CLIENT4
	! wan_has_slaac || is "a device sees an IPv6 client as the gateway" \
		"$(http client "$(slaac_of "$1")" 80 /cgi-bin/ip)" 192.168.1.1
	! wan_has_dhcp6 || is "a device sees an IPv6 client as the gateway" \
		"$(http client "$(lease6_of "$1")" 80 /cgi-bin/ip)" 192.168.1.1
}

main_job_large()
{
	local address

	for address in $(wan_addresses "$1"); do
		is "a download of $TB_BIG MiB from $address is whole" \
			"$(http_big client "$address" | sha256sum)" "$tb_big_sum"
	done
}

http_big()
{
	local host=$2

	case $host in *:*) host="[$host]" ;; esac
	in_ns "$1" curl -gsSN --noproxy '*' --max-time "${3:-120}" "http://$host/big"
}

# download_begin NAME FROM ADDRESS: the large download, so slow that it lasts until download_whole has it
# hurry, or download_end ends it
download_begin()
{
	rm -f "$tb/$1.hurry"
	# shellcheck disable=SC2016 # perl's
	http_big "$2" "$3" 600 | HURRY=$tb/$1.hurry perl -e 'while (sysread(STDIN, $b, 2048)) {
		syswrite(STDOUT, $b);
		select(undef, undef, undef, 0.2) unless -e $ENV{HURRY};
	}' | sha256sum >"$tb/$1.sum" &
	eval "downloading_$1=$!"
}

# download_runs NAME…
download_runs()
{
	local name pid

	for name; do
		pid=downloading_$name
		kill -0 "${!pid}" || { echo "$name is over"; return 1; }
	done
}

# download_whole NAME: of one that ended before, nothing is known
download_whole()
{
	download_runs "$1" || return
	touch "$tb/$1.hurry"
	within 30 test -s "$tb/$1.sum"
	echo "$(cat "$tb/$1.sum"), wanted $tb_big_sum"
	[ "$(cat "$tb/$1.sum")" = "$tb_big_sum" ]
}

download_end()
{
	local pid=downloading_$1

	kill "${!pid}" 2>/dev/null
}

# small_buffers NAMESPACE…: so that a download is not on its way as a whole
small_buffers()
{
	local ns

	for ns; do
		netns_sysctl "$ns" net.ipv4.tcp_rmem='4096 65536 131072' net.ipv4.tcp_wmem='4096 65536 131072'
	done
}

main_job_outbound()
{
	local n

	wan_has4 || return 0
	for n; do
		is "dev$n reaches a server on the WAN, which sees the device's own address" \
			"$(http "dev$n" $CLIENT4 80 /cgi-bin/ip)" "$(lease4_of "$n")"
		is "  and one behind the router" "$(http "dev$n" $FAR4 80 /cgi-bin/ip)" "$(lease4_of "$n")"
		is "  UDP" "$(udp_ask "dev$n" $CLIENT4 5000)" "client hello"
		check "  ICMP echo" ping_from "dev$n" $FAR4
	done
}

# main_job_stranger N: a device that upstream has not registered. Its own requests must go out, so
# that registration is noticed; nothing else may.
main_job_stranger()
{
	local n=$1 mac text before

	mac=$(mac_of "$n")
	testbed_device "$n"
	check "dev$n, not registered, gets a LAN address" within 20 device_ip "$n"
	check "  doppel finds it and waits for the upstream" within 30 stranger_waits "$n"
	is "  it is not active" "$(device_json "$n" '.status | select(. != "active") | "not active"')" "not active"
	is "  and has no WAN IPv4 address" "$(wan4_of "$n")" ""
	text=$(within 20 stranger_says "$mac")
	like "  doppel devices says why" "$text" 'registered upstream'
	like "  and when it tries again" "$text" 'next try'
	check_not "  it reaches nobody" opens "dev$n" $CLIENT4 80
	! wan_has6 || check_not "  and nobody reaches it" opens client "$(slaac_of "$n")" 8080
	before=$(capture_read "ether src $mac" | wc -l)
	check "  it keeps trying" within 15 stranger_tries "$mac" "$before"
	is "  with nothing but requests of its own" "$(stranger_frames "$mac")" ""
	register "$n"
	check "  and once it is registered, it becomes active" within 40 device_complete "$n"
}

stranger_waits()
{
	local family=ipv6

	! wan_has4 || family=ipv4
	device_json "$1" ".$family | select(.next_retry != null and .reason != \"\")" >/dev/null || { device_json "$1"; return 1; }
}

# While a try is on its way there is no next one.
stranger_says()
{
	doppel devices "$1"
	doppel devices "$1" | grep -q 'next try'
}

stranger_tries() { [ "$(capture_read "ether src $1" | wc -l)" -gt "$2" ]; }

# Frames of the MAC other than DHCP, DHCPv6, RS, NS/NA, MLD and ARP
stranger_frames()
{
	capture_read "ether src $1 and not arp and not udp port 67 and not udp port 547 and
		not (icmp6 and (ip6[40] == 133 or ip6[40] == 135 or ip6[40] == 136)) and
		not (ip6 and ip6[6] == 0)"
}

# main_job FLAVOUR
main_job()
{
	gateway_up "$1" 1 2 3
	main_job_addresses 1 2 3
	main_job_inbound 1 2 3
	main_job_faces 1
	main_job_large 2
	main_job_outbound 1 2
	check "every frame on the WAN had a registered source MAC" capture_only_registered
	main_job_stranger 9
	capture_stop
	# By now the stranger is registered, too: what is left is the box's own.
	check "and still, to the end" capture_only_registered
	check "the kernel has nothing to complain about" kernel_log_clean
}
