#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What was on the wire, by tshark's display filters.
#
# sniff NAME NAMESPACE PORT [FILTER], sniffed NAME     a capture by tcpdump
# seen NAME FILTER [FIELD…]                            its frames
#
# Where a scenario waits for frames, and has much to say of them:
#
# wire_watch                      negotiation at the upstream's end of the cable, both ways, from now on
# wire_mark                       from here on
# wire_has REGEX                  there is a frame whose line matches; it costs no process
# wire NAME WANT FILTER           to be judged: WANT is a test of the number of this phase's frames (-ge 1)
# wire_not NAME FILTER            no frame of this phase until now
# wire_order NAME FILTER FILTER   the phase's first frame of the one comes before the first of the other
# wire_phase                      another phase begins
# wire_judge                      all of them, in one reading of the capture
# shellcheck disable=SC2154 # the testbed's

# sniff NAME NAMESPACE PORT [FILTER]: whole frames, both ways, into $tb/NAME.pcap
sniff()
{
	local file=$tb/$1.pcap
	sniffers[$1]=

	spawn "tcpdump-$1" "$2" tcpdump -i "$3" -s 0 -U -n --immediate-mode -B 16384 -Z root -w "$file" "${@:4}"
	sniffers[$1]=$spawned
	within 10 test -s "$file" >/dev/null || bail_out "tcpdump does not start: $(cat "$tb/log/tcpdump-$1")"
}
declare -A sniffers

# sniffed NAME: it ends
sniffed()
{
	sleep 0.5
	end "${sniffers[$1]}" INT
}

# seen NAME DISPLAY-FILTER [FIELD…]: the frames of the capture that match, or fields of them
seen()
{
	local field fields=()

	for field in "${@:3}"; do
		fields+=(-e "$field")
	done
	[ ${#fields[@]} -eq 0 ] || fields=(-T fields "${fields[@]}")
	tshark -n -r "$tb/$1.pcap" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-o ip.defragment:FALSE -o ipv6.defragment:FALSE -Y "$2" "${fields[@]}" 2>/dev/null
}

# --- negotiation -----------------------------------------------------------------------------

readonly wire_capture='arp or icmp6 or (ip6 and ip6[6] == 0) or udp port 67 or udp port 68 or udp port 546 or udp port 547'
readonly wire_fields='eth.src eth.dst ip.src dhcp.option.dhcp dhcpv6.msgtype arp.isannouncement icmpv6.type
	icmpv6.nd.ns.target_address icmpv6.nd.na.target_address
	icmpv6.nd.ra.flag.m icmpv6.nd.ra.flag.o icmpv6.opt.prefix.flag.a'
wire_names=() wire_wants=() wire_filters=() wire_phases=()
order_names=() order_filters=() order_phases=()
wire_starts=(0)				# of each phase: the number of frames before it
wire_marked=0

# Each frame is a line of the fields in $tb/wire.lines.
wire_watch()
{
	local field fields=()

	for field in $wire_fields; do
		fields+=(-e "$field")
	done
	: >"$tb/wire.lines"
	# shellcheck disable=SC2016 # for the inner shell
	spawn wire.log isp sh -c 'exec "$@" >>"$0"' "$tb/wire.lines" tshark -n -l -i swgw -f "$wire_capture" -w "$tb/wire.pcap" \
		-P -T fields -E 'separator=;' "${fields[@]}"
	within 30 grep -q "Capturing on" "$tb/log/wire.log" || bail_out "tshark does not start: $(cat "$tb/log/wire.log")"
	wire_pid=$spawned
}

wire_has()
{
	local line lines

	mapfile -t -s "$wire_marked" lines <"$tb/wire.lines"
	for line in "${lines[@]}"; do
		[[ $line =~ $1 ]] && return
	done
	printf '%s\n' "no line matches $1:" "${lines[@]}" | tail -n 30
	return 1
}

wire_mark()
{
	local lines

	mapfile -t lines <"$tb/wire.lines"
	wire_marked=${#lines[@]}
}

wire_phase()
{
	wire_mark
	wire_starts+=("$wire_marked")
}

wire()
{
	wire_names+=("$1") wire_wants+=("$2") wire_filters+=("$3") wire_phases+=("$((${#wire_starts[@]} - 1))")
}

wire_not()
{
	local lines

	mapfile -t lines <"$tb/wire.lines"
	wire "$1" "-eq 0" "frame.number <= ${#lines[@]} && ($2)"
}

wire_order()
{
	order_names+=("$1") order_filters+=("$2" "$3") order_phases+=("$((${#wire_starts[@]} - 1))")
}

# wire_within PHASE FILTER
wire_within()
{
	local next=${wire_starts[$1 + 1]:-}

	echo "frame.number > ${wire_starts[$1]}${next:+ && frame.number <= $next} && ($2)"
}

# The statistics have two columns for a filter, frames and their bytes, and one for MIN.
wire_judge()
{
	local i columns=0 numbers at

	end "$wire_pid" INT
	for i in "${!wire_names[@]}"; do
		columns+=",$(wire_within "${wire_phases[i]}" "${wire_filters[i]}")"
	done
	for i in "${!order_filters[@]}"; do
		columns+=",MIN(frame.number)frame.number && $(wire_within "${order_phases[i / 2]}" "${order_filters[i]}")"
	done
	mapfile -t numbers < <(tshark -n -q -r "$tb/wire.pcap" -z "io,stat,$columns" 2>&1 | tee "$tb/wire.judged" |
		awk -F'|' '/<>/ { for (i = 3; i < NF; i++) print $i + 0 }')
	if [ ${#numbers[@]} -eq 0 ]; then
		diag <"$tb/wire.judged"
		bail_out "tshark does not judge"
	fi
	for i in "${!wire_names[@]}"; do
		# shellcheck disable=SC2086 # an operator and a number
		check "${wire_names[i]}" wire_is "${numbers[2 * i]}" "${wire_filters[i]}" ${wire_wants[i]}
	done
	for i in "${!order_names[@]}"; do
		at=$((2 * ${#wire_names[@]} + 2 * i))
		check "${order_names[i]}" wire_before "${numbers[at]}" "${numbers[at + 1]}" "${order_filters[@]:2 * i:2}"
	done
}

# wire_is COUNT FILTER OPERATOR NUMBER
wire_is()
{
	echo "$1 frames, wanted $3 $4: $2"
	test "$1" "$3" "$4"
}

wire_before()
{
	echo "frame $1: $3"
	echo "frame $2: $4"
	[ "$1" -gt 0 ] && [ "$1" -lt "$2" ]
}
