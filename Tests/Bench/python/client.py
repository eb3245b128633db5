"""Python clients: --impl websockets | picows | aiohttp | gatewire (rpc only).  Each is written the way a user of that
library would write it; text arrives as str."""
import asyncio
import json
import logging
import os
import time

import wsbench

A = wsbench.args()
P = wsbench.Payload(A)
W = A.workload
logging.disable(logging.CRITICAL)


def dumps_loads():
    """stdlib json, or orjson for picows (the fast stack)"""
    if A.impl == "picows":
        import orjson
        return (lambda o: orjson.dumps(o)), orjson.loads
    return json.dumps, json.loads


# ---- asyncio libraries with send/recv coroutines, behind four small adapters ----------
class WebsocketsApi:
    name = "websockets"

    def __init__(self):
        from websockets.asyncio.client import connect
        from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory as Factory
        self.kw = {"compression": None, "ssl": wsbench.tls_context(A)}
        if A.deflate:
            self.kw["extensions"] = [Factory(server_max_window_bits=A.wbits, client_max_window_bits=A.wbits,
                                             compress_settings={"level": A.level, "memLevel": A.memlevel})]
        self.connect = connect

    async def open(self):
        return await self.connect(A.url, max_size=None, ping_interval=None, proxy=None, **self.kw)

    async def send(self, ws, m):
        await ws.send(m)

    async def send_text(self, ws, m):
        await ws.send(m, text=True) if isinstance(m, bytes) else await ws.send(m)

    async def recv(self, ws):
        return await ws.recv()

    async def abort(self, ws):
        ws.transport.abort()

    async def done(self):
        pass


class AiohttpApi:
    name = "aiohttp"

    def __init__(self):
        import aiohttp
        self.aiohttp = aiohttp
        self.ssl = wsbench.tls_context(A)
        self.session = None

    async def open(self):
        if self.session is None:
            self.session = self.aiohttp.ClientSession(connector=self.aiohttp.TCPConnector(limit=0, ssl=self.ssl or True))
        return await self.session.ws_connect(A.url, compress=A.wbits if A.deflate else 0, max_msg_size=0)

    async def send(self, ws, m):
        if isinstance(m, str):
            await ws.send_str(m)
        else:
            await ws.send_bytes(m)

    send_text = send

    async def recv(self, ws):
        return (await ws.receive()).data

    async def abort(self, ws):
        ws._response.connection.transport.abort()

    async def done(self):
        await self.session.close()


async def run_coroutines(api, lib):
    if W == "connect":
        lat = []
        c = wsbench.Clock(A)
        end = time.perf_counter() + A.seconds
        while time.perf_counter() < end and len(lat) < A.max:
            t = time.perf_counter()
            ws = await api.open()
            lat.append(1e6 * (time.perf_counter() - t))
            await api.abort(ws)
            await asyncio.sleep(0)
        c.n = len(lat)
        c.report(lib, p50_us=wsbench.pct(lat, .5), p90_us=wsbench.pct(lat, .9))
        return
    if W == "idle":
        n = A.conns if A.conns >= 200 else 1000
        keep, r0 = [], 0
        c = wsbench.Clock(A)
        for i in range(n):
            ws = await api.open()
            await api.send(ws, P.texts[0])
            await api.recv(ws)
            keep.append(ws)
            if i == n // 10 - 1:
                r0 = wsbench.rss_kib()
        c.n = n
        c.report(lib, rss_per_conn=(wsbench.rss_kib() - r0) * 1024 / (n - n // 10))
        os._exit(0)
    ws = await api.open()
    c = wsbench.Clock(A)
    if W == "rpc":
        dumps, loads = dumps_loads()
        pending = {}
        loop = asyncio.get_running_loop()
        over = loop.create_future()

        async def reader():
            while True:
                m = await api.recv(ws)
                d = loads(m)
                if d["type"] == "res":
                    f = pending.pop(d["id"])
                    f.set_result(d)
                if c.count(len(m)) and not over.done():
                    over.set_result(None)

        async def call():
            i, req = wsbench.request()
            f = pending[i] = loop.create_future()
            await api.send_text(ws, dumps(req))
            return await f

        async def worker():
            while not over.done():
                r = await call()
                assert r["ok"]

        tasks = [asyncio.create_task(reader())] + [asyncio.create_task(worker()) for _ in range(A.window)]
        await over
        c.report(lib)
        os._exit(0)
    elif W == "recv":
        while not c.count(len(await api.recv(ws))):
            pass
    else:
        for _ in range(A.window):
            await api.send(ws, P.next())
        while not c.count(len(await api.recv(ws))):
            await api.send(ws, P.next())
    c.report(lib)
    os._exit(0)


# ---- picows: callbacks --------------------------------------------------------------------
async def run_picows(lib):
    import picows
    ctx = wsbench.tls_context(A)
    if A.deflate:
        wsbench.skip(lib, "no permessage-deflate in this interface")
    text = A.kind == "text"
    op = picows.WSMsgType.TEXT if text else picows.WSMsgType.BINARY
    loop = asyncio.get_running_loop()

    class L(picows.WSListener):
        def __init__(self):
            self.parts = []
            self.over = loop.create_future()
            self.on = None

        def on_ws_connected(self, transport):
            self.transport = transport

        def on_ws_frame(self, transport, frame):
            self.on(transport, frame.get_payload_as_utf8_text() if text else frame.get_payload_as_bytes())

    async def open():
        return await picows.ws_connect(L, A.url, ssl_context=ctx, max_frame_size=64 << 20)

    if W == "connect":
        lat = []
        c = wsbench.Clock(A)
        end = time.perf_counter() + A.seconds
        while time.perf_counter() < end and len(lat) < A.max:
            t = time.perf_counter()
            tr, _ = await open()
            lat.append(1e6 * (time.perf_counter() - t))
            tr.disconnect(False)
            await asyncio.sleep(0)
        c.n = len(lat)
        c.report(lib, p50_us=wsbench.pct(lat, .5), p90_us=wsbench.pct(lat, .9))
        os._exit(0)
    if W == "idle":
        n = A.conns if A.conns >= 200 else 1000
        keep, r0 = [], 0
        c = wsbench.Clock(A)
        for i in range(n):
            tr, li = await open()
            li.on = lambda t, m: li.over.done() or li.over.set_result(m)
            tr.send(op, P.items[0])
            await li.over
            keep.append(tr)
            if i == n // 10 - 1:
                r0 = wsbench.rss_kib()
        c.n = n
        c.report(lib, rss_per_conn=(wsbench.rss_kib() - r0) * 1024 / (n - n // 10))
        os._exit(0)

    c = None
    holder = {}

    def on_echo(tr, m):
        if c.count(len(m)):
            li.over.done() or li.over.set_result(None)
        else:
            tr.send(op, P.next_bytes())

    def on_recv(tr, m):
        if c is not None and c.count(len(m)):
            li.over.done() or li.over.set_result(None)

    def on_rpc(tr, m):
        d = loads(m)
        if d["type"] == "res":
            f = pending.pop(d["id"])
            f.set_result(d)
        if c.count(len(m)):
            li.over.done() or li.over.set_result(None)

    L.on_ws_frame = (lambda s, t, f: {"recv": on_recv, "rpc": on_rpc}.get(W, on_echo)(
        t, f.get_payload_as_utf8_text() if text else f.get_payload_as_bytes()))
    if W in ("echo", "send"):
        if text:
            def on_frame(s, tr, f):
                m = f.get_payload_as_utf8_text()
                if c.count(len(m)):
                    s.over.done() or s.over.set_result(None)
                else:
                    tr.send(op, P.next_bytes())
        else:
            def on_frame(s, tr, f):
                m = f.get_payload_as_bytes()
                if c.count(len(m)):
                    s.over.done() or s.over.set_result(None)
                else:
                    tr.send(op, P.next_bytes())
        L.on_ws_frame = on_frame
    tr, li = await open()
    c = wsbench.Clock(A)
    if W == "rpc":
        dumps, loads = dumps_loads()
        pending = {}

        async def call():
            i, req = wsbench.request()
            f = pending[i] = loop.create_future()
            tr.send(picows.WSMsgType.TEXT, dumps(req))
            return await f

        async def worker():
            while not li.over.done():
                r = await call()
                assert r["ok"]

        tasks = [asyncio.create_task(worker()) for _ in range(A.window)]
    elif W != "recv":
        for _ in range(A.window):
            tr.send(op, P.next_bytes())
    await li.over
    c.report(lib)
    os._exit(0)


# ---- gatewire: its own RPC client ---------------------------------------------------------
async def run_gatewire(lib):
    import gatewire
    over = asyncio.get_running_loop().create_future()
    async with gatewire.connect(A.url, ca_file=A.ca if A.tls else None, device=False) as client:
        c = wsbench.Clock(A)

        async def worker():
            while not over.done():
                answer = await client.call("m", wsbench.PARAMS)
                assert answer["status"] == "ok"
                if c.count(0) and not over.done():
                    over.set_result(None)

        tasks = [asyncio.create_task(worker()) for _ in range(A.window)]
        await over
        c.report(lib)
        os._exit(0)


def main():
    if A.impl == "picows":
        co = run_picows(A.impl)
    elif A.impl == "gatewire":
        co = run_gatewire(A.impl)
    elif A.impl == "aiohttp":
        co = run_coroutines(AiohttpApi(), A.impl)
    else:
        co = run_coroutines(WebsocketsApi(), A.impl)
    asyncio.run(co)


main()
