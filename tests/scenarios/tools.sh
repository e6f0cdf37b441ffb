#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: 6.1 6.12
#
# Real tools through each translation, on stock kernels; what they put on the wire has right checksums,
# MACs and lengths.

TB_BIG=1
TB_CHECKSUMS=1
# shellcheck source=tests/lib/datapath.sh
. "$(dirname "$0")/../lib/datapath.sh"

readonly ALIAS4=192.0.2.10 ALIAS6=2001:db8:1::201

# serve NAMESPACE: what the tools talk to
serve()
{
	local ns=$1

	host_services "$ns"
	spawn "$ns.iperf" "$ns" iperf3 -s
	spawn "$ns.dns" "$ns" dnsmasq -k -C /dev/null -h -R --port 53 --address=/name.test/192.0.2.7 --user=root \
		--enable-tftp --tftp-root="$tb/tftp" --tftp-single-port --pid-file="$tb/$ns.dns.pid"
	spawn "$ns.ssh" "$ns" dropbear -F -E -p 2222 -r "$tb/hostkey"
}

iperf() { in_ns "$1" timeout 30 iperf3 -J -c "$2" -t 1 "${@:3}" | jq -e '.end | (.sum_received // .sum).bytes > 100000' >/dev/null; }
# UDP: hardly any may be lost
iperf_udp() { in_ns "$1" timeout 30 iperf3 -J -c "$2" -t 1 -u -b 2M -l 1200 "${@:3}" | jq -e '.end.sum | .bytes > 100000 and .lost_percent < 5' >/dev/null; }
banner() { in_ns "$1" timeout 10 nc -w 5 "$2" 2222 </dev/null | head -n 1; }
resolve() { in_ns "$1" timeout 20 drill -4 name.test "@$2" | awk '/^name.test/ && $4 == "A" { print $5 }'; }
resolve6() { in_ns "$1" timeout 20 drill -6 name.test "@$2" | awk '/^name.test/ && $4 == "A" { print $5 }'; }
tftp()
{
	local host=$2

	case $host in *:*) host="[$host]" ;; esac
	in_ns "$1" curl -gsS --max-time 60 "tftp://$host/file"
}

# tools NAME FROM ADDRESS WHO: everything there and back
tools()
{
	is "$1: curl" "$(http "$2" "$3" 80 /name)" "$4"
	is "  a download of $TB_BIG MiB" "$(http_big "$2" "$3" | sha256sum)" "$tb_big_sum"
	check "  iperf3" iperf "$2" "$3"
	check "  iperf3 -R" iperf "$2" "$3" -R
	check "  iperf3 -u" iperf_udp "$2" "$3"
	check "  ping" ping_from "$2" "$3"
	like "  nc to an SSH server gets its banner" "$(banner "$2" "$3")" '^SSH-2.0-dropbear'
	case $3 in
	*:*)	is "  drill over UDP" "$(resolve6 "$2" "$3")" 192.0.2.7 ;;
	*)	is "  drill over UDP" "$(resolve "$2" "$3")" 192.0.2.7 ;;
	esac
	is "  TFTP" "$(tftp "$2" "$3" | sha256sum)" "$(sha256sum <"$tb/tftp/file")"
}

datapath_up 1 2
mkdir "$tb/tftp"
head -c 100000 /dev/urandom >"$tb/tftp/file"
dropbearkey -t ed25519 -f "$tb/hostkey" >/dev/null 2>&1
serve client
serve dev1
forward 1 tcp:5201 udp:5201 udp:53 udp:69 tcp:2222
ip -n client addr add $ALIAS6/64 dev eth0 nodad
steer mapping-add ipv4=$ALIAS4 ipv6=$ALIAS6 >/dev/null
steer device-set "mac=$(mac_of 2)" wan-ipv4=0.0.0.0 >/dev/null
within 10 reaches dev1 client "$(wan4 1)" 80 >/dev/null
# What iperf3 sends would take longer to judge than to send.
sniff wan isp swgw not port 5201

tools "4to4 inbound" client "$(wan4 1)" dev1
tools "6to4" client "$(wan6 1)" dev1
tools "4to4 outbound" dev1 $CLIENT4 client
tools "4to6 outbound" dev2 $ALIAS4 client
like "traceroute out" "$(in_ns dev1 traceroute -n -q 1 -w 3 -m 5 $FAR4 2>&1 | awk 'NR > 1 { printf "%s ", $2 }')" \
	"^192.168.1.1 $ROUTER4 $FAR4 \$"
like "tracepath out" "$(in_ns dev1 tracepath -n -m 5 $FAR4)" 'pmtu 1500 hops 3'

sniffed wan
is "no checksum of a device's is wrong" "$(bad_checksums wan "eth.src[0:5] == 02:00:00:00:00" | head -n 5)" ""
is "no frame is longer than the link takes" "$(tcpdump -nr "$tb/wan.pcap" greater 1515 2>/dev/null | head -n 5)" ""
datapath_done
