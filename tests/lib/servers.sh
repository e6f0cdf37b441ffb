#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The WAN's other servers, and what befalls servers. Part of the testbed; Kea and radvd are in testbed.sh.
#
# TB_SERVERS=isc           ISC dhcpd for both families, and radvd
# TB_SERVERS=dnsmasq       dnsmasq for all: it has modes of its own instead of flags
# wan_mode FLAGS           the router says these of M, O and A from now on
# isp_end, isp_pause, isp_go NAME…   servers (dhcp4, dhcp6, radvd) end; fall silent; go on
# isp_renew                all of them start anew, with empty lease files
# shellcheck disable=SC2034,SC2154 # the testbed's

# --- ISC dhcpd -------------------------------------------------------------------------------

isp_by_isc()
{
	! wan_has4 || isp_isc4
	! wan_has_dhcp6 || isp_isc6
	! wan_has6 || isp_radvd
	! wan_has4 || within 30 grep -q 'Server starting service' "$tb/log/isc4.log" || bail_out "dhcpd -4 does not start"
	! wan_has_dhcp6 || within 30 grep -q 'Server starting service' "$tb/log/isc6.log" || bail_out "dhcpd -6 does not start"
}

# isp_isc VERSION: what both have in common; the rest of the file is on stdin
isp_isc()
{
	{
		cat <<-EOF
			authoritative;
			default-lease-time $TB_LEASE;
			max-lease-time $TB_LEASE;
			min-lease-time $TB_LEASE;
			option dhcp-renewal-time $TB_T1;
			option dhcp-rebinding-time $TB_T2;
		EOF
		cat
	} >"$tb/isc$1.conf"
	: >>"$tb/leases$1.isc"
	spawn "isc$1.log" isp dhcpd "-$1" -f -d -cf "$tb/isc$1.conf" -lf "$tb/leases$1.isc" --no-pid br0
	isp_pids[dhcp$1]=$spawned
}

isp_isc4()
{
	local ipv6_only=

	[ -z "$TB_IPV6_ONLY" ] || ipv6_only="option v6-only-preferred $TB_IPV6_ONLY;"
	isp_isc 4 <<-EOF
		ping-check false;
		$ipv6_only
		subnet $tb_net4.0 netmask 255.255.255.0 {
			range $tb_net4.50 $tb_net4.199;
			option routers $tb_net4.1;
			option domain-name-servers $tb_net4.1;
		}
	EOF
}

isp_isc6()
{
	local dns=

	[ "$TB_DNS" = 0 ] || dns="option dhcp6.name-servers $NAMES6;"
	isp_isc 6 <<-EOF
		preferred-lifetime $((TB_LEASE * 3 / 4));
		$dns
		subnet6 $tb_net6::/64 {
			range6 $tb_net6::1000 $tb_net6::1fff;
		}
	EOF
}

lease4_by_isc()
{
	awk -v mac="$1;" '
		$1 == "lease" { ip = $2; active = 0 }
		$1 == "binding" { active = ($3 == "active;") }
		$1 == "hardware" && $3 == mac { a = active ? ip : (a == ip ? "" : a) }
		END { print a }' "$tb/leases4.isc"
}

# The name of an association is IAID and DUID as a string, its other bytes in octal.
lease6_by_isc()
{
	/usr/bin/python3 - "$1" "$tb/leases6.isc" <<-'EOF'
		import re, sys
		duid, found = bytes.fromhex(sys.argv[1].replace(':', '')), ''
		entry = r'ia-na "((?:\\.|[^"\\])*)" \{(.*?)\n\}'
		for name, body in re.findall(entry, open(sys.argv[2], encoding='latin-1').read(), re.S):
		    octets = re.sub(r'\\([0-7]{3}|.)', lambda m: chr(int(m[1], 8)) if len(m[1]) == 3 else m[1], name)
		    if octets.encode('latin-1')[4:] == duid:
		        address = re.search(r'iaaddr (\S+) \{[^}]*binding state active;', body)
		        found = address[1] if address else ''
		print(found)
	EOF
}

# --- dnsmasq ---------------------------------------------------------------------------------

# Leases of less than two minutes it gives to hosts only: those of DHCPv6 are TB_LEASE, with T1 and T2 at 1/2
# and 7/8 of that, which is not settable; those of DHCPv4 are longer.
isp_by_dnsmasq()
{
	local mode n args=()

	case $tb_ra in
	MOA)	mode=slaac ;;
	MO)	mode= ;;
	OA)	mode=ra-stateless ;;
	A)	mode=ra-only ;;
	*)	bail_out "dnsmasq has no mode for '$tb_ra'" ;;
	esac
	for n in {1..9} {11..19}; do
		args+=(--dhcp-host="id:00:03:00:01:$(mac_of "$n"),$TB_LEASE")
	done
	! wan_has4 || args+=(--dhcp-range="$tb_net4.50,$tb_net4.199,$((TB_LEASE > 120 ? TB_LEASE : 120))" --dhcp-option="option:router,$tb_net4.1"
		--dhcp-option="option:T1,$TB_T1" --dhcp-option="option:T2,$TB_T2")
	case $mode in
	ra-*)	args+=(--enable-ra --dhcp-range="$tb_net6::,$mode") ;;
	*)	args+=(--enable-ra --dhcp-range="$tb_net6::1000,$tb_net6::1fff,${mode:+$mode,}64,$TB_LEASE") ;;
	esac
	[ "$TB_DNS" = 0 ] || args+=(--dhcp-option="option6:dns-server,[$NAMES6]")
	[ -z "$TB_IPV6_ONLY" ] || args+=(--dhcp-option="option:ipv6-only,$TB_IPV6_ONLY")
	[ "$TB_RAPID4" = false ] || args+=(--dhcp-rapid-commit)
	spawn dnsmasq.log isp dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --pid-file= --port=0 \
		--log-facility=- --log-dhcp --no-ping --dhcp-authoritative --interface=br0 \
		--dhcp-leasefile="$tb/leases.dnsmasq" --ra-param=br0,4,600 "${args[@]}"
	isp_pids[dhcp4]=$spawned isp_pids[dhcp6]=$spawned isp_pids[radvd]=$spawned
	within 30 grep -q 'DHCP, ' "$tb/log/dnsmasq.log" || bail_out "dnsmasq does not start"
}

lease4_by_dnsmasq() { awk -v mac="$1" '$2 == mac { a = $3 } END { print a }' "$tb/leases.dnsmasq"; }
lease6_by_dnsmasq() { awk -v duid="$1" '$5 == duid && $3 ~ /:/ { a = $3 } END { print a }' "$tb/leases.dnsmasq"; }

# --- what befalls them -----------------------------------------------------------------------

isp_end()
{
	local name

	for name; do
		end "${isp_pids[$name]}"
	done
}

isp_pause()
{
	local name

	for name; do
		kill -STOP "${isp_pids[$name]}"
	done
}

isp_go()
{
	local name

	for name; do
		kill -CONT "${isp_pids[$name]}"
	done
}

isp_renew()
{
	local log

	isp_end "${!isp_pids[@]}"
	isp_pids=()
	rm -f "$tb"/leases*
	for log in kea4 kea6 isc4 isc6 dnsmasq; do
		: >"$tb/log/$log.log"
	done
	"isp_by_$TB_SERVERS"
}

wan_mode()
{
	tb_ra=$1 tb_slaac=0 tb_dhcp6=0
	case $1 in *A*) tb_slaac=1 ;; esac
	case $1 in *M*) tb_dhcp6=1 ;; esac
	if [ "$TB_SERVERS" = dnsmasq ]; then
		isp_end radvd
		isp_by_dnsmasq
	else
		isp_radvd_config
		kill -HUP "${isp_pids[radvd]}"
	fi
}
