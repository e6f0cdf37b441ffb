#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# dnsmasq for DHCPv4, DHCPv6 and router advertisements, in every mode of the router's.

TB_SERVERS=dnsmasq
TB_LEASE=40 TB_T1=20 TB_T2=35
# shellcheck source=tests/lib/matrix.sh
. "$(dirname "$0")/../lib/matrix.sh"

matrix A OA MO
tap_done
