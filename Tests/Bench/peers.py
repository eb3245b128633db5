"""Builds the native side and knows how each peer is started.  What is not there is left out and named."""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WORK = os.path.join(ROOT, "build", "bench")
VENV = os.path.join(WORK, "venv", "bin", "python")
NODE = "node"

BASE = ["-lssl", "-lcrypto", "-lz"]
OURS = ["-I", os.path.join(ROOT, "include"), "-L", os.path.join(ROOT, "build"), "-Wl,-rpath," + os.path.join(ROOT, "build"),
        "-lgatewire"]
# program: (libraries, the Debian package that brings what it needs)
NATIVE = {
    "nserver.c": (BASE, "libssl-dev"),
    "nload.c": (BASE, "libssl-dev"),
    "limits.c": (BASE, "libssl-dev"),
    "gatewire_client.c": (OURS + BASE, "make all"),
    "gatewire_server.c": (OURS, "make all"),
    "lws_client.c": (["-lwebsockets"] + BASE, "libwebsockets-dev"),
    "lws_server.c": (["-lwebsockets"] + BASE, "libwebsockets-dev"),
    "beast_client.cpp": (BASE, "libboost-dev"),
    "beast_server.cpp": (BASE, "libboost-dev"),
    "wspp_client.cpp": (["-lboost_system"] + BASE, "libwebsocketpp-dev and libboost-system-dev"),
}
PYTHON_PEERS = {"websockets": [], "picows": ["orjson"], "aiohttp": []}

missing = []


def work(name):
    return os.path.join(WORK, name)


def build():
    """Compiles what is older than its source; afterwards `missing` names what could not be."""
    os.makedirs(WORK, exist_ok=True)
    for source, (libraries, package) in NATIVE.items():
        path, made = os.path.join(HERE, "native", source), work(source.split(".")[0])
        folders = [os.path.join(HERE, "native")] + ([os.path.join(ROOT, "include", "gatewire")] if "-lgatewire" in libraries else [])
        headers = [os.path.join(folder, name) for folder in folders for name in os.listdir(folder) if name.endswith(".h")]
        if os.path.exists(made) and all(os.path.getmtime(made) > os.path.getmtime(p) for p in headers + [path]):
            continue
        compiler = ["g++", "-std=c++17", "-DNDEBUG"] if source.endswith("cpp") else ["gcc", "-std=gnu11"]
        command = compiler + ["-O2", "-w", "-D_GNU_SOURCE", "-o", made, path] + libraries
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            missing.append("%s (%s)" % (source.split(".")[0], package))
    if not os.path.exists(work("cert.pem")):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
             "-keyout", work("key.pem"), "-out", work("cert.pem"), "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, stderr=subprocess.DEVNULL)
    if not os.path.exists(work("utf8.txt")):
        subprocess.run([sys.executable, os.path.join(HERE, "payload.py"), work("ascii.txt"), work("utf8.txt")], check=True)
    make_environment()


def make_environment():
    """The Python peers, from PyPI, unless they are there."""
    wanted, stamp = os.path.join(HERE, "requirements.txt"), work("venv/.installed")
    if os.path.exists(stamp) and open(stamp).read() == open(wanted).read():
        return
    print("Fetching the Python peers from PyPI", file=sys.stderr)
    for command in ([sys.executable, "-m", "venv", work("venv")],
                    [VENV, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", wanted]):
        if subprocess.run(command).returncode:
            return
    shutil.copyfile(wanted, stamp)


def has_python(*modules):
    if not os.path.exists(VENV):
        return False
    found = "import importlib.util, sys; sys.exit(any(importlib.util.find_spec(m) is None for m in sys.argv[1:]))"
    return subprocess.run([VENV, "-c", found, *modules]).returncode == 0


def has_node(test):
    environment = dict(os.environ, NODE_PATH="/usr/share/nodejs")
    return shutil.which(NODE) and subprocess.run(
        [NODE, "-e", test], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def native(table, name, program, *arguments):
    if os.path.exists(work(program)):
        table[name] = [work(program), *arguments]


def clients():
    """name: command"""
    table = {"raw": [work("nload")], "floor": [work("nload")]}
    native(table, "gatewire", "gatewire_client")
    native(table, "beast", "beast_client")
    native(table, "beast-sync", "beast_client", "--sync", "1")
    native(table, "lws", "lws_client")
    native(table, "websocketpp", "wspp_client")
    script = [VENV, "-W", "ignore", os.path.join(HERE, "python", "client.py"), "--impl"]
    for name, more in PYTHON_PEERS.items():
        if has_python(name, *more):
            table[name] = script + [name]
        else:
            missing.append("%s (PyPI)" % name)
    table["gatewire-python"] = [sys.executable] + script[1:] + ["gatewire"]
    script = [NODE, os.path.join(HERE, "node", "client.cjs"), "--impl"]
    if has_node("require('ws')"):
        table["node-ws"] = script + ["ws"]
    else:
        missing.append("ws (node-ws)")
    if has_node("if (!globalThis.WebSocket) process.exit(1)"):
        table["node-builtin"] = script + ["builtin"]
    if os.path.exists(os.path.join(ROOT, "bindings", "node", "build", "gatewire.node")):
        table["gatewire-node"] = script + ["gatewire"]
    return table


def servers():
    """name: command"""
    table = {"raw": [work("nserver")], "floor": [work("nserver")]}
    native(table, "gatewire", "gatewire_server")
    native(table, "beast", "beast_server")
    native(table, "lws", "lws_server")
    for name, more in PYTHON_PEERS.items():
        if has_python(name, *more):
            table[name] = [VENV, "-W", "ignore", os.path.join(HERE, "python", "server.py"), "--impl", name]
    if has_node("require('ws')"):
        table["node-ws"] = [NODE, os.path.join(HERE, "node", "server.cjs")]
    return table


def environment():
    return dict(
        os.environ, NODE_EXTRA_CA_CERTS=work("cert.pem"), NODE_PATH="/usr/share/nodejs",
        PYTHONPATH=os.path.join(ROOT, "bindings", "python", "src"), PYTHONDONTWRITEBYTECODE="1",
        GATEWIRE_LIBRARY=os.path.join(ROOT, "build", "libgatewire.so"))
