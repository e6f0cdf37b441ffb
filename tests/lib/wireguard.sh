#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# WireGuard's own tools: peers by the files of wg-quick, names by drill, and connections that go on.

# shellcheck source=tests/lib/testbed.sh
. "$(dirname "${BASH_SOURCE[0]}")/testbed.sh"

# addresses NAMESPACE NETWORK: of its interface, in a line
addresses() { ip -n "$1" -o addr show dev "wg-$2" scope global | awk '{ print $4 }' | sort | xargs; }

# quick_up NETWORK NAMESPACE <FILE: what wg-quick does with a peer's file; with a newer one what people do who
# do not want to lose the session
quick_up()
{
	local port=wg-$1 file=$tb/$2/wg-$1.conf verb=syncconf listen

	mkdir -p "$tb/$2"
	(umask 077 && cat >"$file")
	[ -s "$file" ] || return
	! ip -n "$2" link add "$port" type wireguard 2>"$tb/quick.said" || verb=setconf
	# Of a file without a port `wg` takes another, where the hub would not find a peer that does not speak first.
	listen=$(in_ns "$2" wg show "$port" listen-port)
	in_ns "$2" wg $verb "$port" <(wg-quick strip "$file" | sed "/^\[Interface\]/a ListenPort = $listen") || return
	ip -n "$2" -o addr show dev "$port" scope global | awk -v port="$port" '
		FNR == NR && /^(Address|AllowedIPs) = / {
			address = /^Address/
			sub(/^[^=]*= /, "")
			for (n = split($0, items, /, */); n; n--) {
				if (address)
					wanted[items[n]]
				else
					routes = routes "route replace " items[n] " dev " port "\n"
			}
		}
		FNR != NR && !($4 in wanted) { print "addr del " $4 " dev " port }
		END {
			for (item in wanted)
				print "addr replace " item " dev " port
			print "link set " port " up"
			printf "%s", routes
		}' "$file" - | ip -n "$2" -batch -
}

# --- names -----------------------------------------------------------------------------------

# drill ARGUMENT…: what it is told in one line, the code and the answers; asked in $asker, for $patience seconds
asker=laptop
patience=5
drill()
{
	in_ns "$asker" timeout "$patience" drill "$@" | awk '
		/rcode:/ { sub(",", "", $6); printf "%s", $6 }
		/^;; ANSWER/ { answer = 1; next }
		/^;; AUTHORITY/ { answer = 0 }
		answer && NF { printf " %s", $NF }
		END { print "" }'
}

# ask SERVER NAME TYPE [OPTION…]
ask() { drill "${@:4}" "@$1" "$2" "$3"; }
answers() { [ "$(ask "$1" "$2" "$3")" = "$4" ]; }

# --- connections -----------------------------------------------------------------------------

declare -A flow_asked flow_answered

# flow_start FLOW BY AT HOST PORT: a TCP connection that asks and answers all the time (flow.py)
flow_start()
{
	local asked answered

	mkfifo "$tb/$1.asked" "$tb/$1.answered"
	/usr/bin/python3 "$tb_lib/flow.py" "${@:2}" <"$tb/$1.asked" >"$tb/$1.answered" 2>&1 &
	tb_pids+=("$!")
	exec {asked}>"$tb/$1.asked" {answered}<"$tb/$1.answered"
	flow_asked[$1]=$asked flow_answered[$1]=$answered
}

flow_says()
{
	local answer

	IFS= read -r -t 60 answer <&"${flow_answered[$1]}" || answer="it is not there"
	[ "$answer" = ok ] || echo "$answer"
	[ "$answer" = ok ]
}

# flow_goes_on FLOW [SECONDS]: within so many
flow_goes_on()
{
	echo "${2:-10}" >&"${flow_asked[$1]}"
	flow_says "$1"
}
