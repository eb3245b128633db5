"""Runs clients against the neutral server and servers under the neutral load, round by round, each peer in turn.

Every figure is processor time of the measured side for one unit (message, connection), in microseconds; for `idle` it is KiB of
resident memory a connection.  Results: {"client/echo32/0/gatewire": [figure, ...], ...}.
"""

import json
import os
import statistics
import subprocess
import sys
import time

from peers import environment, work
from workloads import CLIENT, GATEWAY_PATH, SERVER, applies

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, CLIENT_CORE = CORES[0], CORES[-1]
PORT = 23100


class Failed(Exception):
    """A run that gave no figure; the text says why."""


def on_core(core):
    return lambda: os.sched_setaffinity(0, {core})


def start(command, core, log):
    """Starts a server and waits until it says READY."""
    with open(work(log), "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment(), preexec_fn=on_core(core))
    ends = time.monotonic() + 10
    while time.monotonic() < ends and process.poll() is None:
        if "READY" in open(work(log)).read():
            return process
        time.sleep(0.02)
    stop(process)
    raise Failed("did not start")


def stop(process):
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(command, core, limit):
    """Runs a client to its end: the JSON line that it prints."""
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=limit, env=environment(),
            preexec_fn=on_core(core))
    except subprocess.TimeoutExpired:
        raise Failed("timeout") from None
    for line in reversed(done.stdout.strip().splitlines()):
        try:
            result = json.loads(line)
        except ValueError:
            continue
        if "skip" in result or not result.get("count"):
            raise Failed(result.get("skip") or "nothing came back")
        return result
    raise Failed((done.stderr.strip().splitlines() or ["no output"])[-1][:160])


def flags(arguments):
    return [text for name, value in arguments.items() for text in ("--" + name, str(value))]


def scheme(peer, tls):
    return ("tls" if tls else "tcp") if peer == "raw" else ("wss" if tls else "ws")


def common(seconds, peer):
    warmup = 0.8 if "node" in peer else 0.15  # until the compiler of Node has seen enough
    return ["--ca", work("cert.pem"), "--payload", work("ascii.txt"), "--seconds", str(seconds), "--warmup", str(warmup),
            "--max", "5000"]


def client_command(table, peer, name, tls, seconds):
    path, arguments, _ = CLIENT[name]
    if path == "/rpc" and peer.startswith("gatewire"):
        path = GATEWAY_PATH
    if not arguments.get("deflate"):
        path += ("&" if "?" in path else "?") + "pmd=0"
    url = "%s://127.0.0.1:%d%s" % (scheme(peer, tls), PORT + tls, path)
    return table[peer] + ["--url", url] + common(seconds, peer) + flags(arguments)


def neutral_server():
    return start(
        [work("nserver"), "--port", str(PORT), "--tls-port", str(PORT + 1), "--cert", work("cert.pem"), "--key",
         work("key.pem"), "--payload", work("ascii.txt"), "--payload-utf8", work("utf8.txt")], SERVER_CORE, "nserver.log")


def client_figure(table, peer, name, tls, seconds):
    _, arguments, cores = CLIENT[name]
    command = client_command(table, peer, name, tls, seconds)
    result = run(command, SERVER_CORE if cores == "same" else CLIENT_CORE, seconds + (30 if name == "idle" else 12))
    if arguments["workload"] == "recv" and peer not in ("raw", "floor") and not (
            0.75 < result["bytes"] / result["count"] / arguments["size"] < 1.05):
        raise Failed("message count and bytes do not agree")
    if name == "idle":
        return result["rss_per_conn"] / 1024
    return (result["cpu_user"] + result["cpu_sys"]) / result["count"] * 1e6


def cpu_seconds(process):
    total = 0
    for thread in os.listdir("/proc/%d/task" % process):
        total += int(open("/proc/%d/task/%s/schedstat" % (process, thread)).read().split()[0])
    return total / 1e9


def resident_kib(process):
    for line in open("/proc/%d/status" % process):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


class ServerUnderLoad:
    """A server peer, started once for all rounds of a workload."""

    port = PORT + 10

    def __init__(self, command, peer, name, tls, seconds):
        ServerUnderLoad.port += 2
        path, arguments, cores = SERVER[name]
        is_neutral = peer in ("raw", "floor")
        command = command + ["--port", str(self.port), "--deflate", str(arguments.get("deflate", 0))]
        if is_neutral:
            command += ["--tls-port", str(self.port + 1), "--payload", work("ascii.txt")]
        if tls or is_neutral:
            command += ["--cert", work("cert.pem"), "--key", work("key.pem")]
        self.name, self.connections = name, arguments.get("conns")
        self.limit = seconds + 12
        port = self.port + (1 if is_neutral and tls else 0)
        self.core = SERVER_CORE if cores == "same" else CLIENT_CORE
        self.load = [work("nload"), "--url", "%s://127.0.0.1:%d%s" % (scheme(peer, tls), port, path)]
        self.load += common(seconds, "nload") + flags(arguments)
        self.process = start(command, SERVER_CORE, "server-%s.log" % peer)
        if "node" in peer and name != "idle":  # rounds that only warm the compiler
            for _ in range(2):
                run(self.load, self.core, self.limit)

    def figure(self):
        if self.name == "idle":
            return self.memory()
        before = cpu_seconds(self.process.pid)
        result = run(self.load, self.core, self.limit)
        return (cpu_seconds(self.process.pid) - before) / result.get("total", result["count"]) * 1e6

    def memory(self):
        before = resident_kib(self.process.pid)
        load = subprocess.Popen(self.load, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(self.core))
        line = load.stdout.readline()  # now all connections stand; the load holds them for a moment
        after = resident_kib(self.process.pid)
        load.wait(20)
        if not line:
            raise Failed("the load failed")
        return (after - before) / self.connections


def interleave(part, name, tls, peers, figure, rounds, results, failures):
    """One figure of each peer in each round; a peer that fails once is left out of the others."""
    for turn in range(rounds if name != "idle" else 1):
        for peer in list(peers):
            key = "%s/%s/%d/%s" % (part, name, tls, peer)
            try:
                results[key] = ([] if turn == 0 else results[key]) + [figure(peer)]
            except Failed as failed:
                failures[key] = str(failed)
                results.pop(key, None)
                peers.remove(peer)
    medians = ["%s=%.4g" % (peer, statistics.median(results["%s/%s/%d/%s" % (part, name, tls, peer)])) for peer in peers]
    print(part, name, "wss" if tls else "ws", *medians, file=sys.stderr, flush=True)


def measure_clients(table, names, tls_modes, rounds, seconds, results, failures):
    server = neutral_server()
    try:
        for name in names:
            for tls in tls_modes:
                peers = [peer for peer in table if applies("client", peer, name, tls)]
                interleave("client", name, tls, peers, lambda peer: client_figure(table, peer, name, tls, seconds),
                           rounds, results, failures)
    finally:
        stop(server)


def measure_servers(table, names, tls_modes, rounds, seconds, results, failures):
    for name in names:
        for tls in tls_modes:
            running = {}
            for peer in table:
                if not applies("server", peer, name, tls):
                    continue
                try:
                    running[peer] = ServerUnderLoad(table[peer], peer, name, tls, seconds)
                except Failed as failed:
                    failures["server/%s/%d/%s" % (name, tls, peer)] = str(failed)
            try:
                interleave("server", name, tls, list(running), lambda peer: running[peer].figure(), rounds, results, failures)
            finally:
                for server in running.values():
                    stop(server.process)


def measure_limits(results):
    """What the machine does without any WebSocket library."""
    out = subprocess.run([work("limits"), "--payload", work("ascii.txt")], stdout=subprocess.PIPE, text=True,
                         preexec_fn=on_core(CLIENT_CORE)).stdout
    for line in out.splitlines():
        limit = json.loads(line)
        results["limit/" + limit["limit"]] = [limit["value"], limit["unit"]]
