#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Test results as TAP, and waiting that always ends.

tap_count=0
tap_failures=0

# Text on stdin becomes TAP diagnostics.
diag()
{
	sed 's/^/# /'
}

note()
{
	printf '# %s\n' "$*"
}

ok()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$*"
}

not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failures=$((tap_failures + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$*"
}

# check NAME COMMAND...: the command must succeed; what it said is shown when it does not.
check()
{
	local name=$1 out status
	shift

	out=$("$@" 2>&1)
	status=$?
	if [ $status -eq 0 ]; then
		ok "$name"
		return 0
	fi
	not_ok "$name"
	printf 'status %d from: %s\n%s\n' "$status" "$*" "$out" | head -n 40 | diag
	return 1
}

# check_not NAME COMMAND...: the command must fail.
check_not()
{
	local name=$1 out
	shift

	if ! out=$("$@" 2>&1); then
		ok "$name"
		return 0
	fi
	not_ok "$name"
	printf 'unexpected success of: %s\n%s\n' "$*" "$out" | head -n 40 | diag
	return 1
}

# is NAME GOT WANT
is()
{
	if [ "$2" = "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	printf '     got: %s\nexpected: %s\n' "$2" "$3" | diag
	return 1
}

# isnt NAME GOT UNWANTED: GOT must be something, and something else.
isnt()
{
	if [ -n "$2" ] && [ "$2" != "$3" ]; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	printf 'got: "%s"\n' "$2" | diag
	return 1
}

# like NAME TEXT REGEX (extended, any line, any case)
like()
{
	if printf '%s\n' "$2" | grep -Eiq -e "$3"; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	printf '%s\ndoes not match: %s\n' "$2" "$3" | tail -n 40 | diag
	return 1
}

unlike()
{
	if ! printf '%s\n' "$2" | grep -Eiq -e "$3"; then
		ok "$1"
		return 0
	fi
	not_ok "$1"
	printf '%s\nmatches: %s\n' "$2" "$3" | tail -n 40 | diag
	return 1
}

# within SECONDS COMMAND...: repeats it until it succeeds; fails at the deadline, which is TB_PATIENCE
# times as far for a machine that has other things to do. What it says is kept quiet but for the last try.
within()
{
	local deadline=$((SECONDS + $1 * ${TB_PATIENCE:-3})) out status
	shift

	while :; do
		out=$("$@" 2>&1)
		status=$?
		[ $status -eq 0 ] && break
		if [ $SECONDS -ge $deadline ]; then
			printf '%s\n' "$out"
			return $status
		fi
		sleep 0.2
	done
	[ -z "$out" ] || printf '%s\n' "$out"
}

# adopt < TAP: the tests of a program without a plan count as ours.
adopt()
{
	local line

	while IFS= read -r line; do
		case $line in
		'ok - '*)	ok "${line#ok - }" ;;
		'not ok - '*)	not_ok "${line#not ok - }" ;;
		*)		printf '%s\n' "$line" ;;
		esac
	done
}

# The plan comes last: a scenario that dies half-way has none, which a TAP reader counts as a failure.
tap_done()
{
	printf '1..%d\n' "$tap_count"
	[ "$tap_count" -gt 0 ] && [ "$tap_failures" -eq 0 ]
}

# A scenario that cannot go on.
bail_out()
{
	printf 'Bail out! %s\n' "$*"
	exit 1
}
