#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# kill -9 at random moments of the agent's life, TB_KILLS times (make crash: many): each time the
# database opens clean, and in the end no lease was lost and no device began anew.

: "${TB_KILLS:=12}" "${TB_SEED:=$RANDOM}"
# UML panics where a fork() is killed half-way (flush_tlb_mm() of what dup_mmap() left): no dnsmasq there.
[ "${DOPPEL_KERNEL:-uml}" != uml ] || TB_LAN_DHCP=
TB_LEASE=120 TB_T1=4 TB_T2=60
TB_LIMIT=$((400 + 20 * TB_KILLS))
# shellcheck source=tests/lib/negotiation.sh
. "$(dirname "$0")/../lib/negotiation.sh"

# A copy, so that looking does not mend it
integrity()
{
	rm -rf "$tb/copy"
	mkdir "$tb/copy"
	cp "$tb"/doppel.db* "$tb/copy/"
	sqlite3 "$tb/copy/doppel.db" 'pragma integrity_check'
}

negotiation_up dual
register 1 2 3
for n in 1 2 3; do
	quiet_device $n
done
for n in 1 2 3; do
	check "dev$n has an IPv4 lease" within 30 leased4 $n
	check "  and a DHCPv6 one" within 15 leased6 $n
done
# What a crash must not take is written with the event that brought it.
for n in 1 2 3; do
	check "dev$n is in the database" within 10 in_database $n
done
told_read
had=$(addresses_told)
wire_phase

# Moments between the start and the fourth second, at which renewals begin
note "seed $TB_SEED"
RANDOM=$TB_SEED damaged=
for ((i = 0; i < TB_KILLS; i++)); do
	sleep "$((RANDOM % 4)).$((RANDOM % 10))"
	kill -KILL "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	found=$(integrity 2>&1)
	[ "$found" = ok ] || damaged+="kill $i: $found"$'\n'
	spawn agent.log gw "$doppel_bin" agent -c "$tb/doppel.yaml"
	agent_pid=$spawned
done
is "after each of $TB_KILLS kills the database was whole" "$damaged" ""
check "the last agent answers" within 20 agent_answers
check "  and every device has what it had" within 20 same_addresses "$had"
wire_mark
check "  dev1 renews" within 20 wire_has "$(line_dhcp4 1 $MAC_ROUTER 3)"
check "  and the server agrees" leased4 1
unlike "no database was set aside" "$(ls "$tb")" damaged
wire_not "no device began anew" "$DISCOVER || $SOLICIT6"
wire_not "none declined or released anything" "$DECLINE || $DECLINE6 || $RELEASE || $RELEASE6"
wire "they renewed meanwhile" "-ge 3" "$REQUEST && dhcp.ip.client"
negotiation_done
tap_done
