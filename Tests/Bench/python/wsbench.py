"""The client contract in Python: arguments, payload, marks, the one JSON line."""
import argparse
import json
import resource
import ssl
import sys
import time
import uuid

PARAMS = {"session": "main", "text": "hello gateway", "limit": 50,
          "flags": {"stream": True, "trace": False}, "tags": ["a", "b", "c"]}


def args():
    p = argparse.ArgumentParser()
    p.add_argument("--impl", default="")
    p.add_argument("--url", required=True)
    p.add_argument("--workload", default="echo")
    p.add_argument("--kind", default="text")
    p.add_argument("--ca")
    p.add_argument("--payload")
    for name, d in (("size", 32), ("window", 1), ("conns", 1), ("deflate", 0), ("resume", 0), ("level", 6),
                    ("memlevel", 8), ("wbits", 15), ("max", 20000)):
        p.add_argument("--" + name, type=int, default=d)
    p.add_argument("--seconds", type=float, default=1.0)
    p.add_argument("--warmup", type=float, default=0.2)
    a, _ = p.parse_known_args()
    a.tls = a.url.startswith("wss")
    return a


def tls_context(a):
    if not a.tls:
        return None
    return ssl.create_default_context(cafile=a.ca)


class Payload:
    def __init__(self, a):
        data = open(a.payload, "rb").read() if a.payload else b"abcdefghijklmnopqrstuvwxyz012345" * 131072
        n = min(len(data) // a.size, 4096)
        self.items = [data[i * a.size:(i + 1) * a.size] for i in range(n)]
        if a.kind == "text":
            self.texts = [b.decode() for b in self.items]
        else:
            self.texts = self.items
        self.i = 0

    def next(self):
        self.i += 1
        return self.texts[self.i % len(self.texts)]

    def next_bytes(self):
        self.i += 1
        return self.items[self.i % len(self.items)]


def request():
    i = str(uuid.uuid4())
    return i, {"type": "req", "id": i, "method": "m", "params": PARAMS}


def rss_kib():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return -1


class Clock:
    """count() per message; over() tells when to stop; restarts itself after the warm-up."""

    def __init__(self, a):
        self.a = a
        self.n = self.bytes = 0
        self.start = time.perf_counter() + a.warmup
        self.end = self.start + a.seconds
        self.started = False
        self.mark()

    def mark(self):
        r = resource.getrusage(resource.RUSAGE_SELF)
        self.u, self.s, self.t = r.ru_utime, r.ru_stime, time.perf_counter()

    def count(self, nbytes):
        self.n += 1
        self.bytes += nbytes
        t = time.perf_counter()
        if t >= self.start and not self.started:
            self.started = True
            self.n = self.bytes = 0
            self.mark()
        return t >= self.end

    def report(self, lib, **extra):
        a = self.a
        t = time.perf_counter()
        r = resource.getrusage(resource.RUSAGE_SELF)
        b = self.n * a.size if a.workload == "send" else self.bytes
        d = dict(lib=lib, workload=a.workload, size=a.size, window=a.window, tls=int(a.tls), deflate=a.deflate,
                 count=self.n, bytes=b, elapsed=t - self.t, cpu_user=r.ru_utime - self.u, cpu_sys=r.ru_stime - self.s)
        d.update(extra)
        print(json.dumps(d), flush=True)


def skip(lib, why):
    print(json.dumps({"lib": lib, "skip": why}), flush=True)
    sys.exit(0)


def pct(v, p):
    v = sorted(v)
    return v[int(p * (len(v) - 1))] if v else 0.0
