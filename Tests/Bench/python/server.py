"""Python peers as servers: --impl websockets | picows | aiohttp.
Server contract: --port P [--cert F --key F] [--deflate 1], paths /echo /sink /rpc."""
import argparse
import asyncio
import json
import logging
import ssl

p = argparse.ArgumentParser()
p.add_argument("--impl", default="websockets")
p.add_argument("--port", type=int, default=9200)
p.add_argument("--cert")
p.add_argument("--key")
p.add_argument("--deflate", type=int, default=0)
A, _ = p.parse_known_args()
logging.disable(logging.CRITICAL)
ctx = None
if A.cert:
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(A.cert, A.key)
BODY = {"status": "ok", "seq": 4711, "ts": 1732000000123, "items": [{"k": "alpha", "v": 1.25}, {"k": "beta", "v": 2.5}],
        "note": "ready", "next": None}
if A.impl == "picows":
    import orjson
    loads = orjson.loads

    def dumps(o):
        return orjson.dumps(o)
else:
    loads, dumps = json.loads, json.dumps


def answer(m):
    r = loads(m)
    return dumps({"type": "res", "id": r["id"], "ok": True, "payload": BODY})


async def coroutine_server():
    from websockets.asyncio.server import serve
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory as Factory
    kw = {"compression": None}
    if A.deflate:
        kw["extensions"] = [Factory(compress_settings={"level": 6, "memLevel": 8})]

    async def handler(ws):
        path = ws.request.path
        if path.startswith("/sink"):
            async for m in ws:
                await ws.send("k")
        elif path.startswith("/rpc"):
            async for m in ws:
                a = answer(m)
                await (ws.send(a) if isinstance(a, str) else ws.send(a.decode()))
        else:
            async for m in ws:
                await ws.send(m)

    async with serve(handler, "127.0.0.1", A.port, ssl=ctx, max_size=None, ping_interval=None, **kw):
        print("READY", A.port, flush=True)
        await asyncio.Future()


async def picows_server():
    import picows
    T = picows.WSMsgType

    class Echo(picows.WSListener):
        def on_ws_frame(self, tr, f):
            if f.msg_type == T.CLOSE:
                tr.send_close(f.get_close_code())
                tr.disconnect()
            elif f.msg_type == T.TEXT:
                tr.send(T.TEXT, f.get_payload_as_utf8_text().encode())
            else:
                tr.send(f.msg_type, f.get_payload_as_bytes())

    class Sink(picows.WSListener):
        def on_ws_frame(self, tr, f):
            f.get_payload_as_memoryview()
            tr.send(T.TEXT, b"k")

    class Rpc(picows.WSListener):
        def on_ws_frame(self, tr, f):
            if f.msg_type == T.TEXT:
                tr.send(T.TEXT, answer(f.get_payload_as_bytes()))

    def factory(r):
        return (Sink if r.path.startswith(b"/sink") else Rpc if r.path.startswith(b"/rpc") else Echo)()

    server = await picows.ws_create_server(factory, "127.0.0.1", A.port, ssl=ctx, max_frame_size=64 << 20)
    print("READY", A.port, flush=True)
    await server.serve_forever()


async def aiohttp_server():
    from aiohttp import web, WSMsgType

    def make(fn):
        async def handler(request):
            ws = web.WebSocketResponse(compress=bool(A.deflate), max_msg_size=0)
            await ws.prepare(request)
            async for m in ws:
                await fn(ws, m)
            return ws
        return handler

    async def echo(ws, m):
        if m.type == WSMsgType.TEXT:
            await ws.send_str(m.data)
        elif m.type == WSMsgType.BINARY:
            await ws.send_bytes(m.data)

    async def sink(ws, m):
        await ws.send_str("k")

    async def rpc(ws, m):
        await ws.send_str(answer(m.data))

    app = web.Application()
    app.add_routes([web.get("/echo", make(echo)), web.get("/sink", make(sink)), web.get("/rpc", make(rpc))])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", A.port, ssl_context=ctx).start()
    print("READY", A.port, flush=True)
    await asyncio.Future()


asyncio.run({"picows": picows_server, "aiohttp": aiohttp_server}.get(A.impl, coroutine_server)())
