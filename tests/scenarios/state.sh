#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kernels: uml
#
# The state file: a full disk, a read-only one, a damaged file, a clock that is set, kill -9 at any moment.
# TB_KILLS=200 for the long form.

: "${TB_KILLS:=4}"
disk=/run/doppel-state
TB_STATE=$disk/doppel.db
# shellcheck source=tests/lib/main-job.sh
. "$(dirname "$0")/../lib/main-job.sh"

stored() { sqlite3 -readonly $TB_STATE "$1"; }
has_forward() { doppel forward list --json | jq -e ".forwards[] | select(.port == $1)"; }
fill() { dd if=/dev/zero of=$disk/ballast bs=4096; df $disk | grep -q '100%'; }

mkdir -p $disk
mount -t tmpfs -o size=512k tmpfs $disk || bail_out "no disk of its own"
gateway_up dual 1 2
before=$(addresses_told)
is "the store has each lease" "$(stored 'SELECT count(*) FROM leases WHERE protocol = "dhcp4"')" 2

# --- export
check "devices are exported" doppel devices --export "$tb/export.json"
is "to a file for root alone" "$(stat -c %a "$tb/export.json")" 600
is "with the leases" "$(jq -r '[.devices[].leases.dhcp4.address] | sort | join(" ")' "$tb/export.json")" \
	"$(printf '%s\n' "$(lease4_of 1)" "$(lease4_of 2)" | sort | paste -sd' ')"
sed 's/"name": "dev1"/"nmae": "dev1"/' "$tb/export.json" >"$tb/wrong.json"
check_not "a misspelt import is refused" doppel devices --import "$tb/wrong.json"
like "with the place" "$(doppel devices --import "$tb/wrong.json" 2>&1)" 'wrong.json: devices\[0\]: there is no "nmae" here'
head -c 100 "$tb/export.json" >"$tb/cut.json"
like "so is what is no JSON" "$(doppel devices --import "$tb/cut.json" 2>&1)" 'cut.json:[0-9]*:[0-9]*: '
like "an import of what is there" "$(doppel devices --import "$tb/export.json")" '0 are new, 2 have leases in use'
check "changes nothing" same_addresses "$before"

# --- a full disk
sleep 1
note "$(fill 2>&1 | tail -n 1)"
check "a forward is added on a full disk" doppel forward add 9022 dev1 22
check "and another" doppel forward add 9024 dev1 22
check "diagnose fails" is "" "$(diagnosis state-file)" failed
check_not "and says so by its status" doppel diagnose
like "status tells of it, too" "$(doppel status)" 'STATE .*full'
is "the log once" "$(grep -c 'kept in memory' "$tb/log/agent.log")" 1
check "what was added opens" within 5 reaches dev1 client "$(lease4_of 1)" 9022
rm $disk/ballast
like "with room again --fix has it written" "$(doppel diagnose --fix)" 'repaired *state-file'
is "the file has all" "$(stored 'SELECT count(*) FROM forwards')" 2
agent_end KILL
agent_start
check "also for the next agent" has_forward 9022
check "and the devices" within 15 same_addresses "$before"

# --- a read-only disk, from the start
agent_end TERM
mount -o remount,ro $disk
agent_start
check "with a read-only disk the devices are those of the file" within 15 same_addresses "$before"
is "which is told" "$(diagnosis state-file)" failed
check "a forward is added" doppel forward add 9023 dev1 22
like "the LAN is served" "$(diagnosis lan-dhcp)" ok
like "the CLI reads the file beside it" "$(agent_end KILL; doppel devices 2>&1)" "$(lease4_of 1)"
agent_start
check "the devices are there again" within 15 same_addresses "$before"
nsenter -t "$agent_pid" -m mount -o remount,rw $disk
mount -o remount,rw $disk
like "writable again, --fix has it written" "$(doppel diagnose --fix)" 'repaired *state-file'

# --- a damaged file
agent_end KILL
rm -f $TB_STATE-wal $TB_STATE-shm
dd if=/dev/urandom of=$TB_STATE bs=4096 count=2 conv=notrunc 2>/dev/null
discovers=$(capture_dhcp Discover)
agent_start
check "a damaged file is no reason not to start" agent_answers
check "it is set aside" compgen -G "$TB_STATE.damaged-*"
like "with a line in the log" "$(cat "$tb/log/agent.log")" 'damaged; set aside as'
check "the module's devices are taken back" within 15 same_addresses "$before"
check "with what was opened by hand" has_forward 9022
sleep 5
is "without a DISCOVER" "$(capture_dhcp Discover)" "$discovers"
check "dev1 is reached all the while" reaches dev1 client "$(lease4_of 1)" 8080
like "diagnose has nothing to say of it" "$(diagnosis state-file)" ok

# --- kill -9
for ((i = 0; i < TB_KILLS; i++)); do
	for port in $(seq 9200 9215); do
		doppel forward add "$port" dev1 22 && doppel devices --retry dev2 && doppel forward remove "$port" dev1
	done >/dev/null 2>&1 &
	sleep "0.$((RANDOM % 1000 + 1000))"
	agent_end KILL
	wait $!
	[ "$(stored 'PRAGMA integrity_check; SELECT count(*) FROM leases WHERE protocol = "dhcp4"')" = "$(printf 'ok\n2')" ] || break
	agent_start
done
is "killed $TB_KILLS times, the database is whole and no lease is lost" $i "$TB_KILLS"
check "the devices are as before" within 15 same_addresses "$before"
check "every frame had a registered source MAC" capture_only_registered

# --- a clock that is set
now=$(date +%s)
for shift in -1700000000 +400000000; do
	date -s "@$((now + shift))" >/dev/null
	agent_end KILL
	agent_start
	sleep 2
	check "with the clock at $(date +%Y) the leases are as before" same_addresses "$before"
done
date -s "@$((now + 20))" >/dev/null
agent_end TERM
agent_start
check "and back" within 15 same_addresses "$before"
is "no device began anew" "$(capture_dhcp Discover)" "$discovers"
check "the kernel has nothing to complain about" kernel_log_clean
tap_done
