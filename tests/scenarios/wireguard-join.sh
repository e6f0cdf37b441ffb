#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# A host joins a gateway's network with a token and nothing else, follows it, and does without the gateway's
# agent for a while.
#
#   laptop ── 192.0.2.0/24 ── hub
#
# `wg`, `ip` and ping judge.

# shellcheck source=tests/lib/testbed.sh
. "$(dirname "$0")/../lib/testbed.sh"

doppel=$tb_root/build/doppel
url=http://192.0.2.1:5050

write_file()
{
	cat >"$tb/doppel.yaml" <<-EOF
		state: $tb/doppel.db
		api: {listen: "192.0.2.1:5050", token_file: $tb/token}
		wireguard: {}
	EOF
}

network()
{
	cat <<-EOF
		networks:
		  - name: office
		    ip_stack_mode: dual
		    ipv4_cidr: 10.10.0.0/24
		    ipv6_cidr: "fd00:10::/64"
		    endpoint: 192.0.2.1
		    peers:
		      - {name: hub, jump: true}
		      - {name: laptop, agent: true, groups: [staff], preshared_key: generate}
		      - {name: phone}
		    groups: [{name: staff}]
	EOF
}

agent_up()
{
	spawn agent.log hub "$doppel" agent -c "$tb/doppel.yaml" --socket "$tb/api.sock"
	agent=$spawned
	check "${1:-the agent} answers" within 10 ctl network list
}

ctl() { "$doppel" "$@" --socket "$tb/api.sock"; }

# join [OPTION…]: the laptop's agent goes on in the background
join()
{
	spawn join.log laptop "$doppel" join "$url" --token "$token" --state "$tb/laptop" "$@"
	joined=$spawned
}

# join_once TOKEN: it is expected to end by itself, in $status with $said
join_once()
{
	said=$(in_ns laptop timeout 10 "$doppel" join "$url" --token "$1" --state "$tb/laptop" 2>&1)
	status=$?
}

reaches() { in_ns laptop ping -c 1 -W 1 "$1"; }
allowed() { in_ns laptop wg show wg-office allowed-ips | cut -f 2-; }
allows() { [[ " $(allowed) " == *" $1 "* ]]; }
lacks() { [ -n "$(allowed)" ] && ! allows "$1"; }
of_laptop() { ctl peer show office laptop --json | jq -r "$1"; }
has_interface() { ip -n laptop link show wg-office; }
has_none() { ! has_interface; }
now_ms() { date +%s%3N; }

tb=$(mktemp -d /tmp/doppel-testbed.XXXXXX) || bail_out "no scratch directory"
mkdir "$tb/log"
trap testbed_down EXIT
trap 'exit 1' INT TERM
testbed_watchdog
netns_add hub laptop
cable hub eth0 laptop eth0
netns_sysctl hub net.ipv6.conf.default.accept_dad=0
netns_sysctl laptop net.ipv6.conf.default.accept_dad=0
ip -n hub addr add 192.0.2.1/24 dev eth0
ip -n laptop addr add 192.0.2.2/24 dev eth0
ip -n hub link set eth0 up
ip -n laptop link set eth0 up

write_file
agent_up
network >"$tb/office.yaml"
check "a network with an agent's peer" ctl apply -f "$tb/office.yaml"
token=$(ctl peer token office laptop)
like "it gets a token" "$token" '^[0-9a-f]{64}$'
is "of which the store has a hash only" "$(grep -c "$token" "$tb/doppel.db" "$tb/doppel.db-wal" 2>/dev/null | cut -d : -f 2 | sort -u)" 0
check_not "a static peer gets none" ctl peer token office phone

join_once wrong
is "a wrong token: it ends" "$status" 1
like "and says why" "$said" "the token is no peer's"
check_not "without an interface" has_interface
is "the peer's token is for nothing else" \
	"$(in_ns laptop curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$url/api/v1/networks")" 401
is "and the API's own is no peer's" \
	"$(in_ns laptop curl -s -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $(cat "$tb/token")" "$url/api/v1/join")" 401

said=$(in_ns laptop timeout 10 "$doppel" join "$url" --token wrong 2>&1)
like "without --state it has a directory of its own" "$said" "the token is no peer's"
is "  of which the key is root's" "$(stat -c %a /var/lib/doppel-join/key)" 600

# shellcheck disable=SC2016 # python's
spawn elsewhere.log hub /usr/bin/python3 -uc 'import http.server as h
class H(h.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"<html>")
h.HTTPServer(("192.0.2.1", 5080), H).serve_forever()'
elsewhere=$spawned
sleep 1
said=$(in_ns laptop timeout 4 "$doppel" join http://192.0.2.1:5080 --token "$token" --state "$tb/elsewhere" 2>&1)
is "some web server's page is no answer: it tries again" $? 124
is "  said once" "$said" "doppel: warning: http://192.0.2.1:5080: it answers, but not as a doppel agent"
check "  and ever more seldom" test "$(grep -c GET "$tb/log/elsewhere.log")" -le 5
end "$elsewhere"

join
check "R2.1 it joins, and reaches the hub" within 10 reaches 10.10.0.1
check_not "nobody sees the token among the processes" grep -q "$token" "/proc/$joined/cmdline"
join_once "$token"
is "a second one here ends" "$status" 1
like "  and says why" "$said" "laptop: another doppel join has it"
check "over IPv6 too" within 5 reaches fd00:10::1
isnt "after a handshake" "$(in_ns laptop wg show wg-office latest-handshakes | cut -f 2)" 0
is "with the key that it made" "$(of_laptop .public_key)" "$(in_ns laptop wg show wg-office public-key)"
check_not "which the gateway has not" grep -q "$(cat "$tb/laptop/key")" "$tb/doppel.db" "$tb/doppel.db-wal"
is "nobody else may read it" "$(stat -c %a "$tb/laptop/key" "$tb/laptop/config.json" | xargs)" "600 600"
is "it keeps its way open" "$(in_ns laptop wg show wg-office persistent-keepalive | cut -f 2)" 25
is "its file is the newest" "$(of_laptop .outdated)" false
is "it forwards nothing because of that" "$(in_ns laptop sysctl -n net.ipv4.ip_forward)" 0

shaken=$(in_ns laptop wg show wg-office latest-handshakes)
start=$(now_ms)
ctl route add office lan --destination 172.16.0.0/16 --via hub --groups staff >"$tb/log/route" 2>&1
check "the network changes, and it follows" within 2 allows 172.16.0.0/16
note "$(($(now_ms) - start)) ms"
check "with a route" ip -n laptop route get 172.16.0.1
is "in the same session" "$(in_ns laptop wg show wg-office latest-handshakes)" "$shaken"
is "which it was given" "$(of_laptop .outdated)" false

kill -KILL "$agent"
wait "$agent" 2>/dev/null
check "the agent is killed: the tunnel stays" reaches 10.10.0.1
kill -TERM "$joined"
wait "$joined" 2>/dev/null
check "the laptop's ends, too: the tunnel stays" reaches 10.10.0.1
ip -n laptop link del wg-office
join
check "a start without the agent: it comes up with what it had" within 10 reaches 10.10.0.1
check "all of it" allows 172.16.0.0/16
agent_up "the next agent"
ctl route remove office lan >>"$tb/log/route" 2>&1
check "which is followed again" within 40 lacks 172.16.0.0/16
end "$joined"

rm "$tb/laptop/key"
join
check "without the key that it made it makes another" within 10 reaches 10.10.0.1
end "$joined"
ip -n laptop link del wg-office

join --down
check "with --down" within 10 reaches 10.10.0.1
kill -TERM "$joined"
check "the tunnel is taken down at the end" within 5 has_none

join --down
check "once more" within 10 reaches 10.10.0.1
ctl peer remove office laptop >>"$tb/log/route" 2>&1
wait "$joined"
is "a peer that is removed: its agent ends" $? 1
like "and says why" "$(tail -n 2 "$tb/log/join.log")" "the token is no peer's"
check_not "and leaves no tunnel" has_interface

check "the peer is there again" ctl apply -f "$tb/office.yaml"
token=$(ctl peer token office laptop)
printf '%s\n' "$token" >"$tb/laptop/token"
spawn join.log laptop "$doppel" join "$url" --token-file "$tb/laptop/token" --state "$tb/laptop"
check "  a token out of a file" within 10 reaches 10.10.0.1
ctl route add office all --destination 192.0.0.0/16 --via hub --groups staff >>"$tb/log/route" 2>&1
check "a route that would lead the tunnel into itself" within 5 grep -q 'the route to 192.0.0.0/16 is left out' "$tb/log/join.log"
check "  is left out" lacks 192.0.0.0/16
check "  and the tunnel is there" reaches 10.10.0.1
end "$spawned"
ctl peer remove office laptop >>"$tb/log/route" 2>&1
join_once "$token"
is "removed while its agent was not there: the next one ends" "$status" 1
check_not "and takes the tunnel down" has_interface
is "no key is in a log" "$(cat "$tb/log/"*.log | grep -cE '[A-Za-z0-9+/]{43}=')" 0
tap_done
