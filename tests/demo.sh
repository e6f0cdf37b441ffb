#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The whole idea on real parts, for people: `make demo` runs it in a guest of tools/vm.

TB_LIMIT=290
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/lib/main-job.sh"

proved=0
failed=0

say()
{
	printf '\n\033[1m== %s\033[0m\n' "$*"
}

explain()
{
	printf '   %s\n' "$@"
}

# prove TEXT COMMAND...
prove()
{
	local text=$1 out
	shift

	if out=$("$@" 2>&1); then
		proved=$((proved + 1))
		printf '   ✓ %s\n' "$text"
	else
		failed=$((failed + 1))
		printf '   ✗ %s\n' "$text"
		printf '%s\n' "$out" | head -n 10 | sed 's/^/       /'
	fi
}

same()
{
	if [ -z "$1" ] || [ "$1" != "$2" ]; then
		echo "'$1' is not '$2'"
		return 1
	fi
}

fails() { ! "$@"; }
sees() { same "$(http "$1" "$2" 80 /cgi-bin/ip)" "$3"; }

# What a person would type, and what came of it
show()
{
	printf '   $ %s\n' "$*"
	"$@" 2>&1 | sed 's/^/     /'
}

give_up()
{
	failed=$((failed + 1))
	printf '   ✗ %s\n' "$*"
	tap_failures=1		# testbed_down shows the logs
	exit 1
}

say "A network that lets in only the MAC addresses it knows"
cat <<'EOF'
   dev1 ─┐                                       ┌───── the upstream network ────┐
   dev2 ─┤              ┌─────────────────────┐  │ a switch that drops each frame │
   dev3 ─┼── LAN ─ lan0 │ gw: doppel.ko, agent│ wan0 ── of an unregistered MAC;   │
   dev4 ─┘ IPv4 only    └─────────────────────┘  │ Kea DHCPv4, Kea DHCPv6, radvd  │
           192.168.1.0/24                        └──── client: 10.1.2.200 ────────┘
                                                             2001:db8:1::200
EOF
explain "Each of them is a network namespace in this VM, on Linux $(uname -r)."
testbed_up dual
kernel_log_mark
capture_start wan
register 1 2 3
explain "Registered upstream: $(mac_of 1), $(mac_of 2), $(mac_of 3). Not dev4's, not the gateway's."

say "The gateway starts: module, then agent"
gateway_config
module_load || give_up "the module does not load"
explain "insmod $(basename "$(dirname "$(module_file)")")/doppel.ko: done"
agent_start
explain "doppel agent -c doppel.yaml: running. Now dev1, dev2 and dev3 are plugged in."
testbed_device 1
testbed_device 2
testbed_device 3
devices_complete 60 1 2 3 >"$tb/why" || {
	cat "$tb/why"
	give_up "the devices did not become active within 60 s"
}
explain "They asked for an address on the LAN; doppel found them and won theirs on the WAN:" ""
show doppel devices

say "Each device has its own addresses on the WAN, won with its own MAC"
for n in 1 2 3; do
	prove "dev$n: Kea's lease file gives $(lease4_of $n) to $(mac_of $n)" same "$(lease4_of $n)" "$(wan4_of $n)"
	prove "dev$n: $(slaac_of $n) is formed of its MAC (SLAAC)" same "$(slaac_of $n)" "$(slaac_told $n)"
	prove "dev$n: Kea's lease file gives $(lease6_of $n) to its DUID" same "$(lease6_of $n)" "$(dhcp6_told $n)"
done

say "From the WAN, each of these addresses leads to that device and no other"
show ip netns exec client curl -sS --max-time 30 "http://$(lease4_of 1):8080/name"
for n in 1 2 3; do
	for address in $(wan_addresses $n); do
		prove "curl from the client to $address, ports 8080 and 80: dev$n answers" \
			reaches dev$n client "$address" 8080 80
	done
done
prove "ping reaches dev1 over IPv4" ping_from client "$(lease4_of 1)"
prove "and over IPv6" ping_from client "$(slaac_of 1)"
prove "UDP reaches dev2 over IPv4" udp_reaches dev2 client "$(lease4_of 2)" 5000
prove "and over IPv6" udp_reaches dev2 client "$(slaac_of 2)" 5000
prove "a port without a forward stays closed" fails opens client "$(lease4_of 1)" 443

say "Outwards, each device shows its own face"
for n in 1 2 3; do
	prove "the server at $CLIENT4 sees dev$n as $(lease4_of $n)" sees dev$n $CLIENT4 "$(lease4_of $n)"
done
prove "so does a server behind the router" sees dev1 $FAR4 "$(lease4_of 1)"
show doppel sessions

say "No frame left with a MAC that is not registered"
sleep 1
explain "Captured at the upstream's end of the cable: $(capture_read | wc -l) frames, from:"
capture_sources | sed 's/^/     /'
prove "each source MAC is a registered one" capture_only_registered
prove "the upstream firewall had nothing to drop" same "$(upstream_drops unregistered)" 0

say "dev4 is plugged in, whose MAC nobody has registered"
testbed_device 4
prove "doppel finds it, asks for it, and waits" within 30 stranger_waits 4
show doppel devices "$(mac_of 4)"
prove "it has no address on the WAN" same "$(device_json 4 '.ipv4_wan_address == null')" true
prove "it reaches nobody" fails opens dev4 $CLIENT4 80
prove "but for requests in its own name, nothing of it went out" same "nothing$(stranger_frames "$(mac_of 4)")" nothing
prove "the other devices do not notice" reaches dev1 client "$(lease4_of 1)" 8080
explain "" "Somebody registers it now."
register 4
prove "doppel wins its addresses by itself" within 40 device_complete 4
prove "and dev4 is reached" reaches dev4 client "$(lease4_of 4)" 8080
show doppel devices
prove "the kernel's log has no complaint" kernel_log_clean

say "Proved: $proved. Failed: $failed. It took $SECONDS s."
tap_failures=$failed
[ $failed -eq 0 ]
