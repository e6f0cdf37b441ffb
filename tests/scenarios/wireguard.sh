#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Three WireGuard networks with the firewall of nftables (tests/lib/wireguard-job.sh).

# shellcheck source=tests/lib/wireguard-job.sh
. "$(dirname "$0")/../lib/wireguard-job.sh"

wireguard_job nftables
