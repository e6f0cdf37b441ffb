#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# HTTP in the seed's shape, on the unix socket and, with a token, on TCP.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

# has NAME PATH JQ-CONDITION
has()
{
	local body

	body=$(api "$2" -f) || { not_ok "$1"; echo "GET $2: $body" | diag; return; }
	check "$1" jq -e "$3" <<<"$body" || echo "$body" | head -c 2000 | diag
}

# code [CURL ARGUMENTS] URL: the status of a request on TCP, from inside the box
code()
{
	in_ns gw curl -gsS --noproxy '*' --max-time 10 -o "$tb/body" -w '%{http_code}' "$@"
}

gateway_up dual 1 2
mac=$(mac_of 1)
tcp=http://127.0.0.1:5050

has "/health" /health '.status == "healthy" and (.running | type) == "boolean" and (.uptime_seconds | type) == "number"
	and (.memory_usage_mb | type) == "number" and has("last_discovery") and has("interfaces") and has("timestamp")'
has "  device_stats" /health '.device_stats | .total == 2 and .active == 2 and .inactive == 0 and .discovering == 0 and .failed == 0'
has "/status" /status '.running == true and (.devices | length) == 2 and .device_count == 2 and .active_devices == 2
	and .eth0_up == true and .eth1_up == true and has("timestamp")'
has "/devices" /devices '.total == 2 and (.devices | length) == 2'
has "  each with the seed's names" /devices 'all(.devices[]; has("mac_address") and has("ipv4_address") and has("ipv4_wan_address")
	and has("ipv6_address") and has("status") and has("discovered_at") and has("last_seen"))'
has "/devices?status=active" '/devices?status=active' '.total == 2'
has "/devices?status=failed" '/devices?status=failed' '.total == 0'
has "/devices/<mac>" "/devices/$mac" ".mac_address == \"$mac\" and .ipv4_wan_address == \"$(lease4_of 1)\""
is "an unknown device is 404" "$(api /devices/02:00:00:00:00:77 -o "$tb/body" -w '%{http_code}')" 404
check "  with an error in JSON" jq -e .error "$tb/body"
is "an unknown path is 404" "$(api /nothing -o /dev/null -w '%{http_code}')" 404
is "what is no MAC is a client's error" "$(api /devices/xyz -o /dev/null -w '%{http_code}' | cut -c1)" 4
is "a method that is not there is refused" "$(api /health -X DELETE -o /dev/null -w '%{http_code}' | cut -c1)" 4
is "a body that is no JSON is refused" "$(api /api/v1/forwards -X POST -d '{' -o /dev/null -w '%{http_code}')" 400
is "the unix socket is for root only" "$(stat -c %a $API_SOCKET)" 600

is "TCP without a token is refused" "$(code $tcp/devices)" 401
is "with a wrong token, too" "$(code -H 'Authorization: Bearer wrong' $tcp/devices)" 401
is "with a beginning of the token, too" "$(code -H 'Authorization: Bearer testbed-toke' $tcp/devices)" 401
is "with the token it answers" "$(code -H 'Authorization: Bearer testbed-token' $tcp/devices)" 200
check "  the same" jq -e '.total == 2' "$tb/body"
is "a DELETE without a token changes nothing" "$(code -X DELETE $tcp/api/v1/devices/"$mac")" 401
has "  as one can see" /devices '.total == 2'
check_not "it does not listen elsewhere" opens dev1 192.168.1.1 5050
check_not "nor on the WAN" opens client "$(lease4_of 1)" 5050
check "the agent answered to the end" agent_answers
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
