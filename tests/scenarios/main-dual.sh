#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: 6.12 6.1 uml
#
# The main job on a WAN with IPv4, SLAAC and DHCPv6, all at once.

# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

main_job dual
tap_done
