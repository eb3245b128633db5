"""The fuzzing side: wstest of the Autobahn test suite, on Python 2.7, held to the loopback interface.

    python fuzz.py server DIRECTORY URL    examines the server at URL
    python fuzz.py client DIRECTORY        is the server that a client is examined by; DIRECTORY/url says where

DIRECTORY gets the report and the specification that it was made by.  QUICK in the environment leaves out the
compression cases with large messages, which take most of the time.
"""

from __future__ import print_function

import json
import os
import socket
import sys

# Comes before anything else of Twisted, because it selects the reactor.
from autobahntestsuite import wstest
from autobahntestsuite.case import CaseBasename, CaseCategories, Cases, CaseSetname, CaseSubCategories
from autobahntestsuite.caseset import CaseSet
from twisted.internet import reactor

LARGE = ("9", "10", "12", "13", "14", "15", "16", "17", "18")


def is_large(case):
    parts = case.split(".")
    return parts[0] in ("12", "13") and parts[2] in LARGE


def selected_cases():
    every = CaseSet(CaseSetname, CaseBasename, Cases, CaseCategories, CaseSubCategories)
    cases = every.parseSpecCases({"cases": ["*"], "exclude-cases": []})
    return [case for case in cases if not (os.environ.get("QUICK") and is_large(case))]


def free_port():
    probe = socket.socket()
    try:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
    finally:
        probe.close()


def keep_to_loopback(directory):
    """wstest listens on all interfaces whatever its URL says."""
    listen, connect = reactor.listenTCP, reactor.connectTCP

    def listen_tcp(port, factory, backlog=50, interface=""):
        listening = listen(port, factory, backlog, "127.0.0.1")
        name = os.path.join(directory, "url")
        with open(name + ".new", "w") as file:
            file.write("ws://127.0.0.1:%d" % port)
        os.rename(name + ".new", name)
        return listening

    def connect_tcp(host, port, *args, **kwargs):
        if host != "127.0.0.1":
            raise RuntimeError("not a loopback address: %s" % host)
        return connect(host, port, *args, **kwargs)

    reactor.listenTCP, reactor.connectTCP = listen_tcp, connect_tcp


def main():
    role, directory = sys.argv[1:3]
    specification = {
        "outdir": directory,
        "cases": selected_cases(),
        "exclude-cases": [],
        "exclude-agent-cases": {},
        # The suite's own limits of 1 and 5 s are for a machine that does nothing else.
        "options": {"openHandshakeTimeout": 30, "closeHandshakeTimeout": 10},
    }
    if role == "server":
        mode = "fuzzingclient"
        specification["options"]["serverConnectionDropTimeout"] = 10
        specification["servers"] = [{"url": sys.argv[3], "agent": role}]
    else:
        mode = "fuzzingserver"
        specification["url"] = "ws://127.0.0.1:%d" % free_port()
    name = os.path.join(directory, "specification.json")
    with open(name, "w") as file:
        json.dump(specification, file)
    keep_to_loopback(directory)
    sys.argv[1:] = ["--mode", mode, "--webport", "0", "--spec", name]
    wstest.run()


if __name__ == "__main__":
    main()
