#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doppel's commands as somebody types them: their exit status, and what they say.
# shellcheck disable=SC2154 # tb is the testbed's

# status WANT NAME COMMAND…: what it says stays in $tb/out and $tb/err
status()
{
	local want=$1 name=$2 got
	shift 2

	doppel "$@" >"$tb/out" 2>"$tb/err"
	got=$?
	if [ $got -eq "$want" ]; then
		ok "$name"
		return
	fi
	not_ok "$name"
	{ echo "status $got, not $want, from: doppel $*"; cat "$tb/out" "$tb/err"; } | head -n 20 | diag
}

# json NAME FILTER REGEX: of what the last one said
json() { like "$1" "$(jq -er "$2" "$tb/out" 2>&1)" "$3"; }
