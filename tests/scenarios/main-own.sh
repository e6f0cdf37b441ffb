#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The main job where the box's own port is registered, too (identity: own): the box keeps its
# addresses and may talk.

TB_IDENTITY=own
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

main_job dual
is "the box itself reaches the WAN by its own IPv4 address" "$(http gw "$CLIENT4" 80 /cgi-bin/ip)" 10.1.2.2
is "and by its own IPv6 address" "$(http gw "$CLIENT6" 80 /cgi-bin/ip)" 2001:db8:1::2
check "and is reached" ping_from client 10.1.2.2
tap_done
