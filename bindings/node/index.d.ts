import { EventEmitter } from 'node:events'

export * from './socketio'
export * from './websocket'

/** A value that JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json | undefined }

/** Params of a call: a value, or JSON as text or bytes, which is sent verbatim. */
export type Params = object | string | Uint8Array

/** Who has to act before it can work; 'none': it heals by itself, or it was wanted. */
export type Actor = 'none' | 'program' | 'user' | 'operator' | 'network'

/**
 * What is known of a call that ended without an answer: 'rejected' by the gateway, 'not-sent' (it has certainly not
 * run), 'unknown' (it may have run).
 */
export type Outcome = 'rejected' | 'not-sent' | 'unknown'

/** A way other than directly over TCP: at most one of proxy, proxyFromEnvironment and unixPath. */
export interface RouteOptions {
  /**
   * 'http://host:port', 'https://...' (TLS to the proxy), 'socks5://...' (names are resolved here) or 'socks5h://...' (by
   * the proxy), with 'user:password@' or without.
   */
  proxy?: string
  /** true: https_proxy, http_proxy, all_proxy and no_proxy decide. */
  proxyFromEnvironment?: boolean
  /** PEM file used in place of the system's CA certificates for a proxy over TLS. */
  proxyCaFile?: string
  /** Literal addresses to connect to in place of looking the host up. */
  addresses?: string | readonly string[]
  /** Literal address to connect from. */
  bindAddress?: string
  /** Unix domain socket to connect to; '@name': in the abstract namespace. */
  unixPath?: string
  /** For the proxy to open the tunnel. */
  proxyTimeoutMs?: number
  /** Silence after which the kernel probes the peer, in whole seconds. */
  tcpKeepaliveMs?: number
  /** How long sent data may stay unacknowledged (RFC 5482). */
  tcpUserTimeoutMs?: number
}

/** A server that would be refused for its certificate. */
export interface TrustRequest {
  /** Why it would be refused, in one line. */
  message: string
  details: {
    /** SHA-256 of the leaf certificate, of its key, of the CA certificates that were shown, and of their keys. */
    seen: string[]
    seenKey: string[]
    seenCA: string[]
    seenCAKey: string[]
    /** The pins; empty: a first use. */
    wanted: string[]
    subject: string
    issuer: string
    /** RFC 3339. */
    notBefore: string
    notAfter: string
    names: string
    /** Which is verified. */
    serverName: string
    /** What the CA check says: 'ok', or why not. */
    chain: string
  }
}

/** Which servers are believed, and how TLS is spoken with them. */
export interface TrustOptions {
  /** Left out: with pins 'pin', without 'ca'. */
  mode?: 'ca' | 'pin' | 'pin-and-ca' | 'pin-or-ca'
  /**
   * Trust on first use: asked inside the TLS handshake about a server that would be refused; only true lets it in.  That it has the
   * certificate's key is proved only when the connection is open: keep what was accepted then.
   */
  ask?: (request: TrustRequest) => boolean | Promise<boolean>
  /** For ask.  Default: 60000. */
  answerTimeoutMs?: number
  /** CA certificates in place of the system's: a directory as 'openssl rehash' makes it; PEM text. */
  caDirectory?: string
  caPem?: string
  /** The system's CA certificates beside them. */
  systemCa?: boolean
  /** Server name to send in place of the one that is verified; false: none. */
  sni?: string | false
  /** What is shown to servers that ask for a certificate: two PEM files, or one PKCS #12 file. */
  certificateFile?: string
  keyFile?: string
  pkcs12File?: string
  passphrase?: string
  /** Colon-separated lists in OpenSSL's names: for TLS 1.2, for TLS 1.3, and the groups of the key exchange. */
  ciphers?: string
  cipherSuites?: string
  groups?: string
  minVersion?: '1.2' | '1.3'
  maxVersion?: '1.2' | '1.3'
  /** false: every handshake is a full one. */
  resumption?: boolean
  /** Session secrets are appended to it, for debugging. */
  keyLogFile?: string
}

/** What TLS agreed on. */
export interface TlsState {
  /** 'TLSv1.3' */
  version: string
  cipher: string
  /** Empty if the session was resumed without a new key exchange. */
  group: string
  /** The certificates that the peer showed, as PEM, leaf first. */
  chain: string
  /** An earlier session goes on, and chain is that one's. */
  resumed: boolean
}

/**
 * Time limits are whole milliseconds above 0; Infinity is no limit.  What is left out is decided by the library, whose
 * defaults stand in gatewire/client.h.
 */
export interface ClientOptions {
  /**
   * Further URLs of the same gateway, each tried a little later than the one before: the first that proves who it is
   * wins.
   */
  alternates?: string | readonly string[]
  /**
   * SHA-256 of the gateway's certificate, or behind 'key:', 'ca:' and 'ca-key:' of its key, of a CA, of a CA's key; one must match, and
   * they alone decide then.  Left out: the CA chain and the host name decide.
   */
  pins?: string | readonly string[]
  /** PEM file used in place of the system's CA certificates. */
  caFile?: string
  /** Sent as SNI and verified in place of the URL's host. */
  serverName?: string
  /** Whether ws:// may lead beyond this machine. Default: 'loopback'. */
  plaintext?: 'loopback' | 'private' | 'any'

  token?: string
  password?: string
  /** Pairs this device once. */
  bootstrapToken?: string
  /** Issued by the gateway, in place of the one that the library has stored. */
  deviceToken?: string
  approvalRuntimeToken?: string
  agentIdentityToken?: string
  /**
   * Asked at each attempt, once the gateway has sent its challenge: what the client proves itself with from then on; undefined if there is
   * nothing now.  Not for doctor().
   */
  credentials?: () => Credentials | undefined | Promise<Credentials | undefined>
  /**
   * true: where somebody must act first, such as to give another token or to approve the device, the client stays and waits for
   * resume(); otherwise it ends.
   */
  pause?: boolean
  /** File of the device identity; made if it is missing.  Left out: a fresh identity. */
  identityFile?: string
  /** File for the device tokens that gateways issue; needs identityFile.  Left out: they live as long as the client. */
  tokenFile?: string
  /** Of the device's proof. Default: 3. */
  signatureVersion?: 2 | 3
  /** false: connect without a device identity; gateways grant no scopes then. */
  device?: boolean

  clientId?: string
  clientMode?: string
  clientVersion?: string
  displayName?: string
  platform?: string
  deviceFamily?: string
  modelIdentifier?: string
  /** Needs newParams. */
  buildId?: string
  /** Needs newParams. */
  timeZone?: string
  instanceId?: string
  role?: string
  scopes?: readonly string[]
  caps?: readonly string[]
  commands?: readonly string[]
  permissions?: Readonly<Record<string, boolean>>
  pathEnv?: string
  /** Members that are added to the connect request; needs newParams. */
  extraParams?: object
  /** true: send members of the connect request that older gateways refuse. */
  newParams?: boolean
  /** true: ids, modes, roles and scopes may be others than the library knows. */
  anyNames?: boolean
  locale?: string
  userAgent?: string
  /** Modes, trust on first use, other CAs, client certificates, versions and ciphers. */
  trust?: TrustOptions
  /** Which way leads there; left out: directly over TCP. */
  route?: RouteOptions
  /** Added to the upgrade request. */
  headers?: Readonly<Record<string, string>> | ReadonlyArray<readonly [string, string]>

  minProtocol?: number
  maxProtocol?: number

  connectTimeoutMs?: number
  tlsTimeoutMs?: number
  upgradeTimeoutMs?: number
  challengeTimeoutMs?: number
  /** For credentials. Default: 10000. */
  credentialsTimeoutMs?: number
  helloTimeoutMs?: number
  closeTimeoutMs?: number
  callTimeoutMs?: number
  pingIntervalMs?: number
  pongTimeoutMs?: number

  /** false: one connection, whose end is the client's end. */
  reconnect?: boolean
  reconnectInitialMs?: number
  reconnectMaxMs?: number

  /** permessage-deflate: false: not offered; 'takeover': keep the window between messages. */
  deflate?: boolean | 'takeover'
  deflateThresholdBytes?: number
  maxMessageBytes?: number
  maxQueuedBytes?: number
  maxCalls?: number

  /** Called after each hello: methods, or pairs of a method and its params; the event 'synced' has their answers. */
  initialSync?: ReadonlyArray<string | readonly [method: string, params: object | string]>
  /** Keeps calls that are made without a connection, and sends them after the next hello. */
  offline?: OfflineOptions
  /** Holds events back after each event 'stale', until resynced() is called. */
  resync?: ResyncOptions
  /** Times by method, a log, a flight recorder; no credential is ever in any of it. */
  observe?: ObserveOptions
}

export interface ObserveOptions {
  /** Time the answers, by method: stats().methods. */
  methods?: boolean
  /** Up to which level the event 'log' comes: why things ended, states ('info'), frames ('debug'). */
  log?: 'error' | 'warning' | 'info' | 'debug'
  /** What the flight recorder keeps, see dump(). */
  recorderBytes?: number
  /** Each failure brings an event 'log' of kind 'dump'. */
  dumpOnFailure?: boolean
  /** How much of each frame is kept or logged. */
  frameBytes?: number
  /** Methods beyond share the entry '*'. */
  maxMethods?: number
}

export interface LogEntry {
  level: 'error' | 'warning' | 'info' | 'debug'
  kind: 'state' | 'failure' | 'in' | 'out' | 'dump'
  /** One line; of a frame its beginning, of a dump lines of JSON. */
  text: string
  /** Of the whole frame. */
  size: number
}

/** An entry of the flight recorder. */
export interface Recorded {
  /** Since the client was made. */
  ms: number
  kind: 'state' | 'failure' | 'in' | 'out'
  text: string
  /** Of the whole frame. */
  bytes?: number
}

/** Sums over a client's whole life. */
export interface ClientStats {
  /** To connect. */
  attempts: number
  /** That reached their hello. */
  connections: number
  messagesReceived: number
  messagesSent: number
  /** Of messages, uncompressed. */
  bytesReceived: number
  bytesSent: number
  /** Of frames with their headers. */
  wireBytesReceived: number
  wireBytesSent: number
  roundTripMs: number
  /** Calls that wait for a connection. */
  callsWaiting: number
  waitingMs: number
  connectingMs: number
  readyMs: number
  closingMs: number
  /** With observe.methods; '*': all beyond maxMethods. */
  methods: Record<string, { answers: number, leastMs: number, meanMs: number, greatestMs: number }>
}

/** Which calls wait for a connection; one whose time passes rejects with a NotSentError. */
export interface OfflineOptions {
  maxCalls?: number
  /** Of all of them together. */
  maxBytes?: number
  timeToLiveMs?: number
}

/** When held events go on by themselves. */
export interface ResyncOptions {
  timeoutMs?: number
  maxHeldBytes?: number
}

/** What is known of the gateway may be old: after each connection but the first, and after each gap. */
export interface Stale {
  id: number
  reason: 'reconnect' | 'gap'
  /** Of the last event that came, if it had a number. */
  lastSeq: number | undefined
}

/** What one call of initialSync came to. */
export type SyncAnswer =
  | { method: string, ok: true, payload: any }
  | { method: string, ok: false, error: { code: string, message: string, [more: string]: any } }

/** A subscription was made anew on this connection, or could not be; it stays either way. */
export interface Subscribed {
  subscription: number
  payload: any
  error: GatewireError | null
}

/** What a client proves itself with.  What is left out, it does not have any more. */
export interface Credentials {
  token?: string
  bootstrapToken?: string
  deviceToken?: string
  password?: string
  approvalRuntimeToken?: string
  agentIdentityToken?: string
}

export interface ConnectOptions extends ClientOptions {
  /** Gives up waiting for the first hello. */
  signal?: AbortSignal
  /** true: wait for the first hello however many attempts it takes; false, the default: fail with the first attempt. */
  keepTrying?: boolean
}

/** How one step to a gateway went. */
export interface DoctorStep {
  name: 'name' | 'tcp' | 'proxy' | 'tls' | 'pin' | 'upgrade' | 'challenge' | 'auth' | 'tick'
  /** 'skipped': not needed, or never reached. */
  result: 'passed' | 'failed' | 'skipped'
  /** One line for a person, with what to do if it failed. */
  text: string
  /** Who must act; of a step that passed: a remark. */
  actor: Actor
  /** 'GW_OK', or why it failed. */
  code: string
  milliseconds: number
  /** Trying again later can help. */
  retryable: boolean
  /** Addresses, certificate, headers, scopes, ... */
  details: any
}

export interface DoctorOptions extends Omit<ClientOptions, 'alternates' | 'credentials'> {
  /** false: be content with the hello, and do not wait for the gateway's first tick. */
  tick?: boolean
  /** Called with each step as it is judged. */
  onStep?: (step: DoctorStep) => void
  /** Ends it. */
  signal?: AbortSignal
}

export interface CallOptions {
  /** Infinity: none. */
  timeoutMs?: number
  /** Goes on after an answer with status "accepted", to the next one. */
  expectFinal?: boolean
  /** Gets the accepted answer; needs expectFinal. */
  onAccepted?: (payload: any) => void
  /** Ends the call with a CallCancelledError.  Nothing is sent: the gateway may still run it. */
  signal?: AbortSignal
  /** Answers as a Buffer of JSON, verbatim. */
  raw?: boolean
  /**
   * true puts a new idempotency key into the params, a text puts that one.  An error that does not say whether the call was run has the
   * key as idempotencyKey: repeat the call with it.
   */
  idempotent?: boolean | string
  /** W3C trace context, for gateways of protocol 4 and later. */
  traceparent?: string
  /** Never keep the call for a later connection. */
  onlineOnly?: boolean
}

export interface ClientState {
  phase:
    | 'waiting' | 'resolve' | 'connect' | 'proxy' | 'tls' | 'upgrade' | 'challenge' | 'hello' | 'ready' | 'closing' | 'closed'
    | 'paused'
  protocol: number
  nextAttemptMs: number
  connections: number
  attempts: number
  callsInFlight: number
  queuedBytes: number
  roundTripMs: number
  deflate: boolean
  tls: boolean
  /** How long each phase of this connection, or of the last attempt, took; 0 for what it did not need or reach. */
  resolveMs: number
  connectMs: number
  proxyMs: number
  tlsMs: number
  upgradeMs: number
  challengeMs: number
  helloMs: number
  /** In use or tried: 0 for the URL, n for alternates[n - 1]. */
  endpoint: number
}

/** An event of the gateway. */
export interface GatewayEvent<Payload = any> {
  readonly name: string
  /** undefined for an event without a number */
  readonly seq: number | undefined
  /** Parsed when it is first looked at; undefined if there is none. */
  readonly payload: Payload
  /** The payload as JSON, verbatim; empty if there is none. */
  readonly json: string
}

export interface EventStreamOptions {
  /** Only events with these names. */
  names?: readonly string[]
  /** Events that may wait for the loop before it ends with a ResourceError. Default: 16384. */
  limit?: number
}

export interface ClientEvents {
  /** A hello arrived; calls can be made. */
  connected: (hello: any) => void
  /** An attempt failed or a connection ended; the next attempt follows after error.retryAfterMs, or, paused, after resume(). */
  disconnected: (error: GatewireError, how: { paused: boolean }) => void
  /** The last event: null after close(), else why the client has given up. */
  closed: (error: GatewireError | null) => void
  /** Something that the gateway sent was ignored, or it granted something other than asked. */
  warning: (error: GatewireError) => void
  /** Events are missing before the one with this number. */
  gap: (gap: { seq: number, missing: number }) => void
  /** What is known of the gateway may be old; answer with resynced() if events are held. */
  stale: (stale: Stale) => void
  /** All calls of initialSync have ended. */
  synced: (answers: SyncAnswer[]) => void
  subscribed: (subscribed: Subscribed) => void
  /** See observe.log. */
  log: (entry: LogEntry) => void
  /** Calls may be made again after writableNeedDrain. */
  drain: () => void
  event: (event: GatewayEvent) => void
  [named: `event:${string}`]: (payload: any, event: GatewayEvent) => void
}

/** A connection to a gateway that heals itself, from now until close(). */
export class Client extends EventEmitter {
  on<Name extends keyof ClientEvents> (name: Name, listener: ClientEvents[Name]): this
  once<Name extends keyof ClientEvents> (name: Name, listener: ClientEvents[Name]): this
  off<Name extends keyof ClientEvents> (name: Name, listener: ClientEvents[Name]): this
  constructor (url: string | URL, options?: ClientOptions)
  /** Without credentials, query and fragment. */
  readonly url: string
  /** The hello of the present or last connection. */
  readonly hello: any
  readonly isConnected: boolean
  /** Hold back until 'drain'. */
  readonly writableNeedDrain: boolean
  state (): ClientState
  stats (): ClientStats
  /** What the flight recorder holds, the oldest first. */
  dump (): Recorded[]
  /** What TLS agreed on; undefined without a connection or without TLS. */
  tls (): TlsState | undefined
  /** Replaces the pins, all at once, for every TLS handshake that begins from now on. */
  setPins (pins: string | readonly string[]): void
  /** Replaces the credentials, from the next attempt on; a paused client needs resume(), too. */
  setCredentials (credentials: Credentials): void
  /** Begins a new attempt now, for a client that is paused or waits for its next one. */
  resume (): void
  /** The hello of the connection, at once or when there is one; rejects when the client ends. */
  ready (options?: { signal?: AbortSignal }): Promise<any>
  /**
   * Calls a method.  params: an object, or JSON as a string or Uint8Array that is sent verbatim.
   * Rejects with an RpcError if the gateway answers with an error; error.outcome says what is known of the call.
   */
  call<Result = any> (method: string, params?: Params, options?: CallOptions & { raw?: false }): Promise<Result>
  call (method: string, params: Params | undefined, options: CallOptions & { raw: true }): Promise<Buffer>
  /**
   * Calls a method on this connection and on each that comes; each time the event 'subscribed' tells how it went.  The number of the
   * subscription.
   */
  subscribe (method: string, params?: Params): number
  /** Forgets a subscription.  Nothing is sent: call the gateway's own method for that. */
  unsubscribe (subscription: number): void
  /** The program has caught up: whether events were held for it, which come now. */
  resynced (stale: Pick<Stale, 'id'>): boolean
  events (options?: EventStreamOptions): AsyncIterableIterator<GatewayEvent>
  /** Hands what was sent to the kernel now; otherwise it leaves at the end of the turn. */
  flush (): void
  /** Closes politely; resolves when the connection has ended, at the latest after closeTimeoutMs. */
  close (code?: number, reason?: string): Promise<void>
  /** Keeps the process alive while the client is open, which is the default. */
  ref (): this
  unref (): this
}

export interface ServerOptions {
  /** Literal address. Default: 127.0.0.1. */
  address?: string
  /** 0 or left out: the kernel picks one. */
  port?: number
  /** PEM files; both left out: a self-signed certificate is made, valid for names. */
  certificateFile?: string
  keyFile?: string
  /** Of an encrypted key. */
  keyPassphrase?: string
  /** PEM file of the CAs that clients must show a certificate of; clientOptional: those that show none are let in too. */
  clientCaFile?: string
  clientOptional?: boolean
  names?: readonly string[]
  /** true: no TLS; only for loopback addresses. */
  plaintext?: boolean
  token?: string
  password?: string
  version?: string
  protocol?: number
  /** false: health, agents.list, sessions.list and chat.send come to the methods given here too. */
  builtin?: boolean
  /** true: refuse peers without a device identity. */
  requireDevice?: boolean
  deflate?: boolean | 'takeover'
  deflateThresholdBytes?: number
  tickIntervalMs?: number
  handshakeTimeoutMs?: number
  closeTimeoutMs?: number
  requestTimeoutMs?: number
  pingIntervalMs?: number
  pongTimeoutMs?: number
  maxConnections?: number
  maxMessageBytes?: number
  maxQueuedBytes?: number
  maxRequests?: number
}

/** A client of the embedded gateway. */
export interface Peer {
  readonly client: any
  readonly role: string
  readonly scopes: string[]
  readonly deviceId: string | undefined
  readonly remote: string
  readonly isConnected: boolean
  push (event: string, payload?: Json | object | Uint8Array): boolean
  disconnect (code?: number, reason?: string): boolean
}

/** A call that is being answered. */
export interface Request {
  readonly method: string
  readonly peer: Peer
  /** The first answer of a run whose result comes later; an object gets status "accepted". */
  accept (payload?: Json | object | Uint8Array): void
}

export interface ServerEvents {
  peer: (peer: Peer) => void
  'peer-closed': (peer: Peer, error: GatewireError | null) => void
  /** A peer failed before it was connected. */
  'peer-refused': (error: GatewireError | null) => void
  /** A handler threw something other than an RpcError. */
  'method-error': (error: unknown, request: Request) => void
  /** The last event. */
  closed: () => void
}

/** A gateway inside this process. */
export class Server extends EventEmitter {
  on<Name extends keyof ServerEvents> (name: Name, listener: ServerEvents[Name]): this
  once<Name extends keyof ServerEvents> (name: Name, listener: ServerEvents[Name]): this
  off<Name extends keyof ServerEvents> (name: Name, listener: ServerEvents[Name]): this
  constructor (options?: ServerOptions)
  readonly url: string
  readonly port: number
  /** SHA-256 of the certificate: what clients pin; undefined without TLS. */
  readonly pin: string | undefined
  /** SHA-256 of the certificate's SubjectPublicKeyInfo. */
  readonly keyPin: string | undefined
  /** The certificate as PEM. */
  readonly certificate: string | undefined
  /** Reads the PEM files again: who connects from now on is shown the new certificate. */
  reloadCertificate (): void
  readonly peers: Peer[]
  /**
   * Answers a method.  A Uint8Array is JSON, sent verbatim; any other result is written as JSON.  Throw an RpcError to
   * reject.
   */
  method (name: string, handler: (params: any, request: Request) => unknown, options?: { raw?: false }): this
  method (name: string, handler: (params: Buffer, request: Request) => unknown, options: { raw: true }): this
  /** Sends an event to one peer or to all.  false: the peer has left, or is slow and its queue grows. */
  push (event: string, payload?: Json | object | Uint8Array, peer?: Peer): boolean
  disconnect (peer: Peer, code?: number, reason?: string): boolean
  /** Tells every peer, closes their connections, and resolves when all have ended. */
  stop (reason?: string): Promise<void>
  ref (): this
  unref (): this
}

/**
 * How this thread's event loop shares the work with the library; only before its first client or server.
 * takeoverMs: when the loop has been held up for so many milliseconds although there was something to do, a thread of the
 * library steps in until the loop is back, so that connections stay while JavaScript computes.  Default: 1000.  0: that
 * thread does all of the input and output.  Infinity: there is no thread.
 */
export function configure (options: { takeoverMs?: number }): void

/**
 * The program knows that the network is another one now: a new address, a route, a VPN that came or went.  Every
 * open connection of this thread sends a ping at once and ends if nothing arrives within 5 seconds (or pongTimeoutMs, if that
 * is shorter); a client that waits for its next attempt begins it at once.  The library notices by itself when
 * the machine has slept.
 */
export function networkChanged (): void

/** Opens a client and waits for its first hello.  If the first attempt fails, so does this. */
export function connect (url: string | URL, options?: ConnectOptions): Promise<Client>

/**
 * Connects once and tells how each step went: whether a gateway can be reached, and if not, why and who must act.
 * That it cannot is no error but a step that has failed.  Without identityFile the gateway sees a device that it does
 * not know.
 */
export function doctor (url: string | URL, options?: DoctorOptions): Promise<DoctorStep[]>

/** Starts a gateway; peers can connect when it resolves. */
export function serve (options?: ServerOptions): Promise<Server>

/** Reads a certificate pin in any of its text forms; gives 64 lower-case hex digits. */
export function normalizePin (text: string): string

/** A pin of any kind in one form: 'cert:', 'key:', 'ca:' or 'ca-key:' and 64 lower-case hex digits. */
export function readPin (text: string): string

/** Version of the library, and of the TLS and compression libraries that it uses. */
export const version: string
export const dependencies: string

export class GatewireError extends Error {
  /** 'GW_ERR_TLS_PIN' */
  readonly code: string
  readonly status: number
  readonly actor: Actor
  /** Whether the same can work later. */
  readonly retryable: boolean
  readonly retryAfterMs?: number
  /** The gateway's own code. */
  readonly gatewayCode?: string
  readonly details?: any
  readonly outcome?: Outcome
  /** Of an idempotent call that ended without an answer: repeat it with it. */
  readonly idempotencyKey?: string
  readonly closeCode?: number
  /** What the peer gave as its reason to close. */
  readonly closeReason?: string
  readonly httpStatus?: number
  readonly cause?: unknown
}

/** The call itself was wrong; nothing was done. */
export class UsageError extends GatewireError {}
/** Not possible now: there is no connection, or it has ended. */
export class NotConnectedError extends UsageError {}
/** The system or the network. */
export class NetworkError extends GatewireError {}
export class TlsError extends GatewireError {}
/** The certificate matches none of the pins. */
export class PinError extends TlsError {
  readonly seen: string[] | undefined
  readonly wanted: string[] | undefined
}
/** The HTTP upgrade was refused or broken. */
export class UpgradeError extends GatewireError {}
export class WebSocketError extends GatewireError {}
/** The gateway protocol: challenge, connect request, hello, calls. */
export class GatewayError extends GatewireError {}
/** A call that was answered with an error; thrown in a method of a server, it is that error. */
export class RpcError extends GatewayError {
  constructor (
    gatewayCode: string, message?: string, facts?: { details?: any, retryable?: boolean, retryAfterMs?: number })
}
/** A call has certainly not run. */
export class NotSentError extends GatewayError {}
/** A call may have run. */
export class OutcomeUnknownError extends GatewayError {}
export class CallTimeoutError extends OutcomeUnknownError {}
/** A call was given up through its AbortSignal, whose reason is the cause.  Its name is 'AbortError'. */
export class CallCancelledError extends GatewayError {}
/** A limit was reached. */
/** A Socket.IO server broke the protocol, or refused or disconnected a namespace. */
export class SocketIOError extends GatewireError {}
export class ResourceError extends GatewireError {}
