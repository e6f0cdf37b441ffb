#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The main job, inbound, on an IPv6-only WAN where only DHCPv6 gives addresses.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

main_job ipv6-dhcp
tap_done
