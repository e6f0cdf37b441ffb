#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# Kea's DHCPv4 and DHCPv6 with radvd, in every mode of the router's.

TB_SERVERS=kea
# shellcheck source=tests/lib/matrix.sh
. "$(dirname "$0")/../lib/matrix.sh"

matrix A OA M O MO MA ""
tap_done
