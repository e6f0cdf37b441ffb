#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# ISC dhcpd for both families with radvd, in every mode of the router's.

TB_SERVERS=isc
TB_RAPID=false
# shellcheck source=tests/lib/matrix.sh
. "$(dirname "$0")/../lib/matrix.sh"

matrix A OA M O MO MA ""
tap_done
