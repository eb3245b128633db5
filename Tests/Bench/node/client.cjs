'use strict';
// Node peers as clients: --impl ws (the npm package, found through NODE_PATH) or
// --impl builtin (globalThis.WebSocket), or --impl gatewire (its own RPC client, rpc only). Text arrives as a string, as a user reads it.
const fs = require('fs');
const { randomUUID } = require('crypto');

const A = { url: '', workload: 'echo', kind: 'text', size: 32, window: 1, conns: 1, seconds: 1, warmup: 0.2, deflate: 0,
  resume: 0, level: 6, memlevel: 8, wbits: 15, max: 20000, impl: 'ws', ca: '', payload: '' };
for (let i = 2; i + 1 < process.argv.length; i += 2) {
  const k = process.argv[i].replace(/^--/, '');
  if (k in A) A[k] = typeof A[k] === 'number' ? Number(process.argv[i + 1]) : process.argv[i + 1];
}
const tls = A.url.startsWith('wss');
const W = A.workload;
const lib = A.impl;
const text = A.kind === 'text';
const ca = A.ca ? fs.readFileSync(A.ca) : undefined;
const data = A.payload ? fs.readFileSync(A.payload) : Buffer.alloc(4 << 20, 'abcdefghijklmnopqrstuvwxyz012345');
const items = [];
for (let i = 0; i < Math.min(Math.floor(data.length / A.size), 4096); i++) {
  const b = data.subarray(i * A.size, (i + 1) * A.size);
  items.push(text ? b.toString() : b);
}
let at = 0;
const next = () => items[at++ % items.length];

function skip(why) {
  console.log(JSON.stringify({ lib, skip: why }));
  process.exit(0);
}
function rssKib() {
  return Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]);
}
const now = () => performance.now() / 1000;
let n = 0, bytes = 0, started = false, t0, cpu0, start, end;
function mark() { t0 = now(); cpu0 = process.cpuUsage(); }
function begin() { start = now() + A.warmup; end = start + A.seconds; mark(); }
function count(k) {
  n++;
  bytes += k;
  const t = now();
  if (!started && t >= start) { started = true; n = 0; bytes = 0; mark(); }
  return t >= end;
}
function report(extra) {
  const c = process.cpuUsage(cpu0);
  console.log(JSON.stringify({ lib, workload: W, size: A.size, window: A.window, tls: Number(tls), deflate: A.deflate, count: n,
    bytes: W === 'send' ? n * A.size : bytes, elapsed: now() - t0, cpu_user: c.user / 1e6, cpu_sys: c.system / 1e6, ...extra }));
  process.exit(0);
}
const pct = (v, p) => { v.sort((a, b) => a - b); return v[Math.floor(p * (v.length - 1))]; };

// open(): { ready: Promise, send(m), onmessage = fn(m), kill() }
let open;
let lastSession;
if (A.impl === 'ws') {
  const { WebSocket } = require('ws');
  const pmd = A.deflate ? { clientMaxWindowBits: A.wbits, threshold: 0, zlibDeflateOptions: { level: A.level, memLevel: A.memlevel } } : false;
  open = () => {
    const o = { perMessageDeflate: pmd, maxPayload: 64 << 20, ca };
    if (A.resume) {
      if (lastSession) o.session = lastSession;
      o.finishRequest = (req) => { // the only place early enough to see the tickets
        req.on('socket', (s) => s.on('session', (x) => { lastSession = x; }));
        req.end();
      };
    }
    const ws = new WebSocket(A.url, o);
    const h = { onmessage: () => {}, send: (m) => ws.send(m), kill: () => ws.terminate(), resumed: false };
    ws.on('message', (d, isBinary) => h.onmessage(isBinary ? d : d.toString()));
    h.ready = new Promise((ok, bad) => {
      ws.on('open', () => {
        if (tls && A.resume) h.resumed = ws._socket.isSessionReused();
        ok(h);
      });
      ws.on('error', bad);
    });
    return h.ready;
  };
} else if (A.impl === 'builtin') {
  if (!globalThis.WebSocket) skip('this node has no WebSocket');
  if (A.resume) skip('no session resumption');
  open = () => {
    const ws = new WebSocket(A.url);
    ws.binaryType = 'arraybuffer';
    const h = { onmessage: () => {}, send: (m) => ws.send(m), kill: () => ws.close() };
    ws.onmessage = (e) => h.onmessage(e.data);
    return new Promise((ok, bad) => { ws.onopen = () => ok(h); ws.onerror = (e) => bad(e.error || new Error('error')); });
  };
}
const len = (m) => (m.byteLength === undefined ? m.length : m.byteLength);

async function gatewire() {
  const { connect } = require('../../../bindings/node/lib/index.js');
  const client = await connect(A.url, { device: false, ...(tls ? { caFile: A.ca } : {}) });
  const params = { session: 'main', text: 'hello gateway', limit: 50, flags: { stream: true, trace: false }, tags: ['a', 'b', 'c'] };
  begin();
  const worker = async () => {
    for (;;) {
      if ((await client.call('m', params)).status !== 'ok') throw new Error('not ok');
      if (count(0)) report();
    }
  };
  for (let i = 0; i < A.window; i++) worker();
}

async function main() {
  if (A.impl === 'gatewire') return gatewire();
  if (W === 'connect') {
    const lat = [];
    let resumed = 0;
    begin();
    const stop = now() + A.seconds;
    while (now() < stop && lat.length < A.max) {
      const t = now();
      const h = await open();
      lat.push((now() - t) * 1e6);
      if (h.resumed) resumed++;
      if (A.resume) await new Promise((ok) => { h.onmessage = ok; h.send('x'); });
      h.onmessage = () => {};
      h.kill();
    }
    n = lat.length;
    report({ p50_us: pct(lat, 0.5), p90_us: pct(lat, 0.9), resumed });
  }
  if (W === 'idle') {
    const want = A.conns < 200 ? 1000 : A.conns, keep = [];
    let r0 = 0;
    begin();
    for (let i = 0; i < want; i++) {
      const h = await open();
      await new Promise((ok) => { h.onmessage = ok; h.send(items[0]); });
      keep.push(h);
      if (i === want / 10 - 1) r0 = rssKib();
    }
    n = want;
    report({ rss_per_conn: (rssKib() - r0) * 1024 / (want - want / 10) });
  }
  const h = await open();
  begin();
  if (W === 'recv') {
    h.onmessage = (m) => { if (count(len(m))) report(); };
  } else if (W === 'rpc') {
    const pending = new Map();
    const params = { session: 'main', text: 'hello gateway', limit: 50, flags: { stream: true, trace: false }, tags: ['a', 'b', 'c'] };
    h.onmessage = (m) => {
      const d = JSON.parse(m);
      if (d.type === 'res') {
        const ok = pending.get(d.id);
        pending.delete(d.id);
        ok(d);
      }
      if (count(m.length)) report();
    };
    const call = (method, p) => new Promise((ok) => {
      const id = randomUUID();
      pending.set(id, ok);
      h.send(JSON.stringify({ type: 'req', id, method, params: p }));
    });
    const worker = async () => { for (;;) if (!(await call('m', params)).ok) throw new Error('not ok'); };
    for (let i = 0; i < A.window; i++) worker();
  } else {
    h.onmessage = (m) => { if (count(len(m))) report(); h.send(next()); };
    for (let i = 0; i < A.window; i++) h.send(next());
  }
}
main().catch((e) => { console.error(e); process.exit(2); });
