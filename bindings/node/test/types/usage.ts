// Compiled, never run: the types allow what is right and refuse what is wrong.
import {
  Client, CallTimeoutError, DoctorStep, GatewireError, Manager, PinError, RpcError, Server, Socket, WebSocket, WebSocketEnd,
  WebSocketServer, connect, doctor, io, normalizePin, serve, version
} from '../../index'
import type { AgentsList, Chat } from '../../openclaw'

async function right (): Promise<void> {
  const server: Server = await serve({ token: 'x', port: 0, deflate: 'takeover', names: ['localhost'] })
  server.method('sum', ({ a, b }: { a: number, b: number }) => a + b)
  server.method('raw', (params) => params.subarray(1), { raw: true })
  server.method('run', async (params, request) => {
    request.accept({ runId: 'r' })
    request.peer.push('event', { n: 1 })
    throw new RpcError('UNAVAILABLE', 'later', { retryAfterMs: 5 })
  })
  server.on('peer', (peer) => peer.disconnect(4000, 'no'))
  server.on('peer-closed', (peer, error) => console.log(peer.role, error?.closeCode))
  const pin: string | undefined = server.pin

  const { signal } = new AbortController()
  const client: Client = await connect(new URL(server.url), { token: 'x', pins: pin, signal })
  const sum: number = await client.call<number>('sum', { a: 1 }, { timeoutMs: 5, onAccepted: (payload) => payload })
  const bytes: Buffer = await client.call('sum', '{}', { raw: true })
  client.on('event:chat', (payload, event) => console.log(payload.text, event.seq))
  await client.call('chat.send', {}, { idempotent: 'k', traceparent: '00-1-2-01', onlineOnly: true })
  const subscription: number = client.subscribe('sessions.subscribe', { a: 1 })
  client.on('stale', (stale) => client.resynced(stale) || stale.lastSeq)
  client.on('synced', (answers) => answers.map((answer) => answer.ok ? answer.payload : answer.error.code))
  client.on('subscribed', ({ error }) => error === null && client.unsubscribe(subscription))
  const { agents } = await client.call<AgentsList>('agents.list', {})
  console.log(agents[0].identity?.emoji, client.stats().methods['*']?.meanMs, client.dump()[0].ms)
  client.on('event:chat', (chat: Chat) => chat.state === 'delta' ? chat.deltaText : chat.message?.content)
  client.on('log', ({ level, kind }) => level === 'debug' && kind === 'out')
  client.on('disconnected', (error) => console.log(error.retryAfterMs))
  client.once('gap', ({ missing }) => missing + 1)
  for await (const event of client.events({ names: ['chat'] })) console.log(event.name, event.payload, event.json)
  console.log(sum, bytes.length, client.state().phase === 'ready', normalizePin('x'), version)
  await client.close(1000, 'done')
  const onStep = (step: DoctorStep): void => console.log(step.text)
  const steps: DoctorStep[] = await doctor(server.url, { pins: pin, tick: false, onStep, signal })
  console.log(steps.find((step) => step.result === 'failed')?.actor === 'operator')
  await server.stop()
}

function handle (error: unknown): string {
  if (error instanceof PinError) return String(error.seen)
  if (error instanceof CallTimeoutError) return error.outcome ?? ''
  if (error instanceof GatewireError) return `${error.code} ${error.actor}`
  return 'unknown'
}

async function wrong (client: Client): Promise<void> {
  // @ts-expect-error: misspelt
  await connect('ws://x', { tokne: 'x' })
  // @ts-expect-error: wrong type
  await connect('ws://x', { callTimeoutMs: '5' })
  // @ts-expect-error: wrong choice
  await connect('ws://x', { plaintext: 'yes' })
  // @ts-expect-error: no such option
  await client.call('x', {}, { timeout: 5 })
  // @ts-expect-error: not a number
  const text: number = client.state().phase
  // @ts-expect-error: no such event
  client.on('conected', () => {})
  // @ts-expect-error: the options of ws that the library does not have
  const socket = new WebSocket('wss://x', { rejectUnauthorized: false })
  // @ts-expect-error: nothing that can be sent
  socket.send({})
  // @ts-expect-error: no such event
  socket.on('redirect', () => {})
  // @ts-expect-error: no such type
  socket.binaryType = 'blob'
  // @ts-expect-error: only the browser's events
  socket.addEventListener('ping', () => {})
  console.log(text)
}

async function sockets (): Promise<void> {
  const server: WebSocketServer = new WebSocketServer({
    port: 0, protocols: ['chat'], perMessageDeflate: { threshold: 512, zlibDeflateOptions: { level: 3 } },
    verifyClient: async ({ origin, req }) => origin !== undefined && req.headers.cookie !== undefined,
    handleProtocols: (offered, request) => request.url === '/' && [...offered][0]
  }, () => console.log(server.address()?.port))
  new WebSocketServer({ verifyClient: ({ secure }, cb) => cb(secure, 403, 'TLS only') }).close((error) => error?.code)
  server.on('connection', (socket, request) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }, (error) => error?.actor))
    socket.ping()
    console.log(request.socket.remoteAddress, server.clients.has(socket))
  })
  server.on('refused', (error, request) => console.log(error.httpStatus, request?.url))

  const socket: WebSocket = await new WebSocket(new URL(server.url), 'chat', { pins: server.pin }).opened()
  new WebSocket(server.url, { handshakeTimeout: 5000, origin: 'https://example.org', plaintext: 'private' })
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data, target }) => console.log(data, target.readyState === WebSocket.OPEN)
  socket.addEventListener('close', ({ code, wasClean }) => console.log(code + 1, wasClean), { once: true })
  socket.on('unexpected-response', (request, { statusCode, body }) => console.log(request.url, statusCode + 1, body))
  const more: boolean = socket.send(new Uint16Array(4), { fin: false })
  await socket.sent('text', { compress: false })
  for await (const message of socket) console.log(typeof message === 'string' ? message : message.byteLength, more)
  socket.on('part', (data, isBinary, isLast) => console.log(data.byteLength, isBinary && isLast))
  console.log(socket.state().sentAfterDeflate + server.statistics().connections)
  const end: WebSocketEnd = await socket.close(1000, 'done')
  console.log(end.error?.code, end.reason)
}

async function socketIO (): Promise<void> {
  const socket: Socket = io('https://example.org/chat', { auth: (give) => give({ token: 't' }), query: { a: 'b' } })
  socket.on('question', (text: string, ack: (answer: string) => void) => ack(text)).once('connect', () => {})
  socket.emit('hello', new Uint8Array(1), (answer: number) => answer + 1).off('question').onAny((event) => event.length)
  const answer: number = await socket.timeout(5).volatile.emitWithAck('sum', 1, 2)
  console.log(answer, socket.id?.length, socket.recovered, socket.active && socket.connected)
  new Manager(new URL('http://127.0.0.1'), { autoConnect: false }).socket('/', { auth: { a: 1 } }).connect().disconnect()
  // @ts-expect-error: there are no other transports
  io('http://127.0.0.1', { transports: ['polling'] })
}

void right
void socketIO
void sockets
void handle
void wrong
