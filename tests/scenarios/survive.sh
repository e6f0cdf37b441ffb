#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The agent may die and the module may go: traffic outlives the one, devices come back after the other.

TB_BIG=16
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

under_way() { [ "$(doppel sessions --json | jq '[.. | objects | select(.state? == "established")] | length')" -ge "$1" ]; }

gateway_up dual 1 2 3
small_buffers client dev1
before=$(addresses_told)

# --- kill -9
download_begin four client "$(lease4_of 1)"
download_begin six client "$(slaac_of 1)"
check "a download runs through each translation" within 10 under_way 2
discovers=$(capture_dhcp Discover)
solicits=$(capture_read -v 'udp dst port 547' | grep -c 'solicit')
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
check_not "the agent is dead" agent_answers
is "new connections pass without an agent" "$(http client "$(lease4_of 2)" 8080 /name)" dev2
is "over IPv6, too" "$(http client "$(slaac_of 2)" 8080 /name)" dev2
like "doppel devices works without an agent" "$(doppel devices 2>&1)" "$(lease4_of 2)"
like "doppel status says that there is none" "$(doppel status 2>&1)" 'agent.*not running|not running'
agent_start
check "a new agent shows the same devices and addresses" within 15 same_addresses "$before"
check "while both downloads still run" download_runs four six
check "the IPv4 download ended whole" download_whole four
check "the IPv6 download ended whole" download_whole six
is "no DISCOVER was sent" "$(capture_dhcp Discover)" "$discovers"
is "no SOLICIT, either" "$(capture_read -v 'udp dst port 547' | grep -c 'solicit')" "$solicits"

# --- SIGTERM
download_begin term client "$(lease4_of 1)"
check "another download runs" within 10 under_way 1
agent_end TERM
check_not "the agent ended at SIGTERM" kill -0 "$agent_pid"
is "and forwarding goes on" "$(http client "$(slaac_of 3)" 8080 /name)" dev3
is "outwards, too" "$(http dev3 $CLIENT4 80 /cgi-bin/ip)" "$(lease4_of 3)"
check "the download ended whole" download_whole term
agent_start
check "a new agent takes over" within 15 same_addresses "$before"

# Without the module nobody keeps the box's own MAC off the WAN: the capture is judged up to here,
# and anew once the module is back.
check "every frame had a registered source MAC" capture_only_registered

# --- the module goes and comes, under traffic
download_begin gone client "$(slaac_of 1)"
check "a download runs while" within 10 under_way 1
check "the module is unloaded" timeout 60 rmmod doppel
check "the download is still under way" download_runs gone
check_not "nothing passes without it" opens client "$(lease4_of 2)" 8080
check "the agent lives on" agent_answers
check "the module is loaded again" module_load
check "the devices are back with what they had" within 30 same_addresses "$before"
discovered=$(capture_dhcp Discover)
capture_stop
capture_start again
check "dev2 is reached over IPv4" within 15 reaches dev2 client "$(lease4_of 2)" 8080
check "and over IPv6" within 15 reaches dev2 client "$(slaac_of 2)" 8080
# It goes on where it stood if the module finds its ports again; a session is lost with the module.
download_end gone
check "at the price of no more than one DISCOVER a device" \
	test $((discovered + $(capture_dhcp Discover))) -le $((discovers + 3))
check "every frame had a registered source MAC again" capture_only_registered
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
