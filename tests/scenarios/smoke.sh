#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: arm64
#
# The main path with one device, where the whole main job would take too long.

TB_BIG=1
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

gateway_up dual 1
main_job_addresses 1
main_job_inbound 1
main_job_large 1
main_job_outbound 1
capture_stop
check "every frame on the WAN had a registered source MAC" capture_only_registered
check "doppel status" doppel status
check "the agent ends" agent_end TERM
check "the module unloads" timeout 60 rmmod doppel
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
