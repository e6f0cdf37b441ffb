#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make bench, in the guest: everything that is measured, in one go.
#
# usage: tests/bench/bench.sh MODULE GENERATOR YNL-DIRECTORY JOOL-DIRECTORY OUTPUT.json
set -euo pipefail

module=$1 generator=$2 output=$5
export YNL=$3 JOOL=$4
here=$(dirname "$(readlink -f "$0")")
# What was measured is there even if the rest never comes: report.py takes it as it is.
results=${output%.json}
rm -rf "$results"
mkdir -p "$results"

insmod "$generator"
insmod "$module"
# The peers' tables are not to be what holds them up.
sysctl -qw net.netfilter.nf_conntrack_max=8000000
echo 2097152 >/sys/module/nf_conntrack/parameters/hashsize
for peer in jool_common jool jool_siit; do
	# Its rows say that it is missing.
	[[ ! -e $JOOL/$peer.ko ]] || insmod "$JOOL/$peer.ko" || true
done

"$here/datapath.sh" "$results"
"$here/streams.sh" "$results"
"$here/sessions.sh" "$results"
python3 "$here/report.py" "$results" "$output"
