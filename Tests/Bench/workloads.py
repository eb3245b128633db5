"""What is measured: for each workload the path, the arguments of the contract, and whether both sides share a core.

`same`: a round trip is the sum of both sides' work, without the cost of waking an idle core.  `split`: a core for each side.
"""

MIB = 1 << 20


def source(size, more=""):
    return "/source?size=%d&op=text%s" % (size, more)


CLIENT = {
    "echo32": ("/echo", dict(workload="echo", size=32), "same"),
    "echo64k": ("/echo", dict(workload="echo", size=65536), "same"),
    "pipe32": ("/echo", dict(workload="echo", size=32, window=64), "same"),
    "pipe1k": ("/echo", dict(workload="echo", size=1024, window=64), "same"),
    "send1m": ("/sink", dict(workload="send", size=MIB, window=4, kind="binary"), "split"),
    "recv1m": (source(MIB), dict(workload="recv", size=MIB), "split"),
    "recv1m-utf8": (source(MIB, "&set=utf8"), dict(workload="recv", size=MIB), "split"),
    "recv32": (source(32), dict(workload="recv", size=32), "split"),
    "zsend1k": ("/sink", dict(workload="send", size=1024, window=8, deflate=1), "split"),
    "zrecv1k": (source(1024), dict(workload="recv", size=1024, deflate=1), "split"),
    "zrecv64k": (source(65536), dict(workload="recv", size=65536, deflate=1), "split"),
    "connect": ("/echo", dict(workload="connect", size=32), "same"),
    "idle": ("/echo", dict(workload="idle", size=32, conns=1000), "split"),
    "rpc1": ("/rpc", dict(workload="rpc", size=32), "same"),
    "rpc64": ("/rpc", dict(workload="rpc", size=32, window=64), "same"),
}

SERVER = {
    "echo32": ("/echo", dict(workload="echo", size=32), "same"),
    "echo64k": ("/echo", dict(workload="echo", size=65536), "same"),
    "pipe32": ("/echo", dict(workload="echo", size=32, window=64), "same"),
    "pipe1k": ("/echo", dict(workload="echo", size=1024, window=64), "same"),
    "conns64": ("/echo", dict(workload="echo", size=32, conns=64), "same"),
    "sink1m": ("/sink", dict(workload="send", size=MIB, window=1, kind="binary"), "split"),
    "zecho1k": ("/echo", dict(workload="echo", size=1024, window=8, deflate=1), "split"),
    "connect": ("/echo", dict(workload="connect", size=32), "same"),
    "idle": ("/echo", dict(workload="idle", size=32, conns=1000, hold=0.6), "split"),
    "rpc1": ("/rpc", dict(workload="rpc", size=32), "same"),
    "rpc64": ("/rpc", dict(workload="rpc", size=32, window=64), "same"),
}

# Gateway clients of this project speak the gateway's handshake first, so the neutral server has a path for them.
GATEWAY_PATH = "/gateway"


def applies(part, peer, name, tls):
    """Whether a peer has a figure in this workload."""
    arguments = (CLIENT if part == "client" else SERVER)[name][1]
    compressed = arguments.get("deflate")
    if peer == "raw":  # without WebSocket: what it stands for is measured by the floor, or by zlib alone
        return not compressed and arguments["workload"] not in ("rpc", "idle") and name != "recv1m-utf8"
    if peer == "floor":  # its frames are compressed beforehand
        return not compressed
    if peer == "beast-sync":
        return name.startswith("echo")
    if peer == "node-builtin":  # compresses nothing that it sends
        return not name.startswith("zsend")
    if peer in ("gatewire-python", "gatewire-node"):
        return arguments["workload"] == "rpc"
    if peer == "picows":
        return not compressed
    return True


def is_unfair(peer, name):
    """Left out of "best peer": it skips what the others do."""
    if name.startswith("recv") and peer == "lws":
        return True  # no UTF-8 check
    # level 1; memLevel 4; the history is dropped at each message
    return name.startswith(("zsend", "zecho")) and peer in ("aiohttp", "websocketpp", "beast")
