#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# flow.py BY AT HOST PORT
#
# A TCP connection from namespace BY to HOST, whose end is in namespace AT, that asks and answers all
# the time. For each line on stdin, a number of seconds, it says `ok` if it goes on within them.

import sys

import traffic

by, at, host, port = sys.argv[1:]
try:
    flow = traffic.Flow('tcp', by, at, host, port, port)
except OSError as e:
    sys.exit(repr(e))
print('ok', flush=True)
for line in sys.stdin:
    print(flow.goes_on(float(line)), flush=True)
