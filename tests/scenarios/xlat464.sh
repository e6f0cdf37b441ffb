#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# 464XLAT: on an IPv6-only WAN devices that know only IPv4 reach IPv4 hosts by a NAT64 upstream, and
# names by the box's resolver. The prefix is found by DNS, then told by the router.

TB_DNS=1
TB_NAT64=2001:db8:64::/96
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

nat64_told() { [ "$(doppel status --json | jq -r '.wan.nat64 | "\(.prefix) \(.origin)"')" = "$TB_NAT64 $1" ] || { doppel status; return 1; }; }
no_nat64() { [ "$(doppel status --json | jq -r .wan.nat64)" = null ] || { doppel status; return 1; }; }
dns_is_box() { [ "$(cat "$tb/dev$1.dns")" = 192.168.1.1 ] || { cat "$tb/dev$1.dns"; return 1; }; }
resolves() { [ "$(resolve "$1" far.test "$2")" = $FAR4 ]; }
seen_by_far() { http "$1" $FAR4 80 /cgi-bin/ip; }

lan_dhcp_only()
{
	if grep -q '^port=0$' /run/doppel/lan-dhcp.conf && [ "$(diagnosis lan-dhcp)" = ok ]; then
		return
	fi
	doppel status
	return 1
}

reaches_ipv4()
{
	local n=$1 from

	from=$(seen_by_far "dev$n")
	like "dev$n reaches an IPv4 server, which sees an address of the NAT64's" "$from" '^198\.51\.101\.'
	is "  UDP" "$(udp_ask "dev$n" $FAR4 5000)" "far hello"
	check "  ICMP echo" ping_from "dev$n" $FAR4
}

# asks SERVERS: those of /run/doppel/resolv.conf, in order of their addresses
asks()
{
	local servers

	servers=$(sed -n 's/^nameserver //p' /run/doppel/resolv.conf | sort | xargs)
	echo "$servers"
	[ "$servers" = "$1" ]
}

gateway_up ipv6-both 1 2
check "the NAT64 prefix is found by DNS" within 30 nat64_told DNS
# The first is known before the second
check "the box asks the IPv6 name servers, RDNSS's and DHCPv6's, by aliases" within 10 asks "192.0.0.2 192.0.0.3"
like "which was asked from a device's address" "$(grep -h 'ipv4only.arpa from' "$tb/log/dns.log")" \
	"from ($(slaac_of 1)|$(slaac_of 2)|$(lease6_of 1)|$(lease6_of 2))\$"

for n in 1 2; do
	reaches_ipv4 "$n"
done
isnt "each device has an address of its own behind the NAT64" "$(seen_by_far dev1)" "$(seen_by_far dev2)"
is "a download is whole" "$(http dev1 $FAR4 80 /big | sha256sum)" "$tb_big_sum"
like "doppel sessions shows how" "$(doppel sessions)" "4to6 +192\.168\.1\.[0-9]+:[0-9]+ .*-> +\[$(nat64_of $FAR4 | sed 's/:c633.*//')"

# --- names
# The first lease may be older than the name servers, and is renewed after a minute.
check "devices are told to ask the box" within 75 dns_is_box 1
check "which knows the answer" within 10 resolves dev1 192.168.1.1
check "a device may ask the alias, too" within 10 resolves dev2 192.0.0.2
check "  or the other one" within 10 resolves dev2 192.0.0.3
check "and so may the box" within 10 resolves gw 192.0.0.2
like "the box reaches the IPv4 host as well" "$(seen_by_far gw)" '^198\.51\.101\.'
check "  by ICMP echo" ping_from gw $FAR4
is "  and a download is whole" "$(http gw $FAR4 80 /big | sha256sum)" "$tb_big_sum"

# --- what is said about it
is "a device without WAN IPv4 is active" "$(device_json 1 .status)" active
check "its IPv4 lacks nothing, as soon as DHCPv4 has been tried" within 40 \
	device_json 1 '.ipv4 | select(.status == "off" and (.reason | test("NAT64 prefix")))'
for name in lending nat64-prefix name-servers wan-dhcp wan-guard; do
	is "doppel diagnose finds nothing wrong with $name" "$(diagnosis $name)" ok
done

# --- told by the router
in_ns isp "$tb_lib/pref64" br0 "$TB_NAT64" 600
check "a router's word counts for more" within 10 nat64_told RA
sleep 9		# radvd's own advertisements say nothing of it
check "and holds though others do not repeat it" nat64_told RA
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
is "without an agent all goes on" "$(udp_ask dev1 $FAR4 5000)" "far hello"
agent_start
is "with a new one, too" "$(udp_ask dev1 $FAR4 5000)" "far hello"
check "which finds the prefix again" within 30 nat64_told DNS
in_ns isp "$tb_lib/pref64" br0 "$TB_NAT64" 600
check "and hears of it again" within 10 nat64_told RA
end "$isp_dns_pid"
in_ns isp "$tb_lib/pref64" br0 "$TB_NAT64" 0
check "withdrawn, with no DNS to ask, it is over" within 30 no_nat64
check_not "and nobody is reached" opens dev1 $FAR4 80

# --- a resolver of the site's on the box, and a default route that comes before the box's way
agent_end TERM
spawn resolver.log gw python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.168.1.1", 53))
time.sleep(600)'
sleep 1
isp_dns
agent_start
check "the NAT64 prefix is found by DNS again" within 60 nat64_told DNS
check "somebody else has port 53: dnsmasq runs all the same" within 20 lan_dhcp_only
is "and doppel diagnose tells" "$(diagnosis lan-dns)" warning
ip -n gw route add default via 192.168.1.250 dev lan0 metric 5
check "with another default route the box still asks the alias" within 10 resolves gw 192.0.0.2

capture_stop
check "every frame on the WAN had a registered source MAC" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
