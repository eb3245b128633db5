#!/usr/bin/env python3
"""gatewire beside other WebSocket libraries: builds, measures in turn, prints one table (README.md says how to read it).

  bench.py                                       everything, about 25 minutes
  bench.py --quick                               one short round of everything
  bench.py --only 'echo*,rpc64' --peers gatewire,raw,floor,picows --tls 0
  bench.py --client mine='./mine --flag'         one more client (README.md has the contract); --server likewise
"""

import argparse
import fnmatch
import json
import os
import shlex

import peers
import table
from measure import measure_clients, measure_limits, measure_servers
from workloads import CLIENT, SERVER

parser = argparse.ArgumentParser()
parser.add_argument("--part", choices=["all", "clients", "servers"], default="all", help="clients, servers, or all")
parser.add_argument("--quick", action="store_true")
parser.add_argument("--rounds", type=int)
parser.add_argument("--seconds", type=float)
parser.add_argument("--only", default="*", help="workloads, comma separated, * allowed")
parser.add_argument("--peers", default="", help="comma separated; all that are there unless told")
parser.add_argument("--tls", default="0,1")
parser.add_argument("--client", action="append", default=[], metavar="NAME=COMMAND")
parser.add_argument("--server", action="append", default=[], metavar="NAME=COMMAND")
parser.add_argument("--all-peers", action="store_true", help="print the figures of every peer too")
options = parser.parse_args()

rounds = options.rounds or (1 if options.quick else 3)
seconds = options.seconds or (0.25 if options.quick else 0.5)
tls_modes = [int(mode) for mode in options.tls.split(",")]


def wanted(names):
    return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in options.only.split(","))]


def chosen(commands, more):
    for spec in more:
        name, command = spec.split("=", 1)
        commands[name] = shlex.split(command)
    names = options.peers.split(",") if options.peers else list(commands)
    return {name: command for name, command in commands.items() if name in names}


peers.build()
results, failures = {}, {}
if any(name.startswith("z") for name in wanted(CLIENT) + wanted(SERVER)):
    measure_limits(results)
if options.part in ("all", "clients"):
    measure_clients(chosen(peers.clients(), options.client), wanted(CLIENT), tls_modes, rounds, seconds, results, failures)
if options.part in ("all", "servers"):
    measure_servers(chosen(peers.servers(), options.server), wanted(SERVER), tls_modes, rounds, seconds, results, failures)
with open(os.path.join(peers.WORK, "results.json"), "w") as file:
    json.dump(results, file, indent=1)
table.show(results, failures, peers.missing)
if options.all_peers:
    table.show_peers(results)
