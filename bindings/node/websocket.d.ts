import { EventEmitter } from 'node:events'

import { GatewireError, RouteOptions, TlsState, TrustOptions } from './index'

/** What can be sent: strings and numbers as text, bytes as binary, if SendOptions does not say otherwise. */
export type Data = string | number | ArrayBufferLike | ArrayBufferView

/** Binary messages as binaryType says; text of 'message' is always a Buffer. */
export type BinaryData = Buffer | ArrayBuffer

/** What is left out is decided by the library, whose defaults stand in gatewire/socket.h. */
export interface WebSocketLimits {
  /** Bytes of one message after inflation; a larger one ends the connection with 1009. Default: 16 MiB. */
  maxPayload?: number
  /** Payload of one received frame; a larger one ends the connection with 1009. Default: maxPayload. */
  maxFrameBytes?: number
  /** Frames of one message; more end the connection with 1008. */
  maxFragments?: number
  /** true: messages come in parts as they arrive, in the event 'part'; there is no 'message' then. */
  parts?: boolean
  /** Least size of a part but the last; 1: whatever has arrived. */
  partBytes?: number
  /** Received bytes that were not handed over yet; above it reading waits. */
  maxUnreadBytes?: number
  /** Of one connection: unfinished message, outgoing queue and compression together. */
  maxMemoryBytes?: number
  /** Of the peer's HTTP head. */
  maxHeadBytes?: number
  maxHeaderLines?: number
  /** Outgoing bytes that may wait; what would pass it is refused with GW_ERR_FULL. Default: 16 MiB. */
  maxQueuedBytes?: number
  /** From here on send() is false. */
  highWaterBytes?: number
  /** Below it 'drain' comes. */
  lowWaterBytes?: number
  /** Keepalive pings go by themselves; Infinity: none. */
  pingIntervalMs?: number
  pongTimeoutMs?: number
  /** For the closing handshake. */
  closeTimeoutMs?: number
  /** permessage-deflate (RFC 7692); false: not agreed to. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions
}

export interface PerMessageDeflateOptions {
  /** Messages of fewer bytes are not compressed. */
  threshold?: number
  /** false: the side may keep its compression window between messages (RFC 7692 section 7.1.1). Default: true. */
  serverNoContextTakeover?: boolean
  clientNoContextTakeover?: boolean
  /** 9 to 15. */
  serverMaxWindowBits?: number
  clientMaxWindowBits?: number
  /** zlib's level and memLevel, 1 to 9. */
  zlibDeflateOptions?: { level?: number, memLevel?: number }
}

export interface WebSocketOptions extends WebSocketLimits {
  /**
   * SHA-256 fingerprints of the server's certificate, of which one must match; they alone decide then.  Left out: the
   * CA chain and the host name decide.
   */
  pins?: string | readonly string[]
  /** PEM file used in place of the system's CA certificates. */
  caFile?: string
  /** Sent as SNI and verified in place of the URL's host. */
  servername?: string
  /** Whether ws:// may lead beyond this machine. Default: 'loopback'. */
  plaintext?: 'loopback' | 'private' | 'any'
  /** Modes, trust on first use, other CAs, client certificates, versions and ciphers. */
  trust?: TrustOptions
  /** Which way leads there; left out: directly over TCP. */
  route?: RouteOptions
  /** Added to the upgrade request; those of the upgrade itself are refused. */
  headers?: Readonly<Record<string, string>> | ReadonlyArray<readonly [string, string]>
  /** The Origin field of the upgrade request. */
  origin?: string
  /** true: a server that chooses none of the protocols is refused. */
  requireProtocol?: boolean
  /**
   * Redirects to follow, 1 to 20; left out: none, they are refusals.  Never from wss:// to ws://; pins hold for the
   * target too, credentials do not go to another origin.
   */
  maxRedirects?: number
  /** Milliseconds for each of the three phases below that has no limit of its own. */
  handshakeTimeout?: number
  /** Name and TCP together. */
  connectTimeoutMs?: number
  tlsTimeoutMs?: number
  upgradeTimeoutMs?: number
}

export interface SendOptions {
  /** false: bytes are UTF-8 text; they are checked. */
  binary?: boolean
  /** false: do not compress this message; true: do so also below the threshold. */
  compress?: boolean
  /** false: more parts of this message follow, each of the same kind. */
  fin?: boolean
}

/** How a connection ended. */
export interface WebSocketEnd {
  /** The close code received; 1005: a close frame without one; 1006: no close frame (RFC 6455 section 7.1.5). */
  readonly code: number
  readonly reason: string
  /** Both close frames were seen. */
  readonly wasClean: boolean
  /** The peer's close frame was the first. */
  readonly isPeerFirst: boolean
  /** null after close(); GW_ERR_CLOSED if the peer closed, GW_ERR_CANCELLED if it was cut off; else what went wrong. */
  readonly error: GatewireError | null
}

/** Messages and their bytes are counted uncompressed; wire bytes are those of frames, without HTTP and TLS. */
export interface WebSocketState {
  phase: 'resolve' | 'connect' | 'proxy' | 'tls' | 'upgrade' | 'ready' | 'closing' | 'closed'
  tls: boolean
  deflate: boolean
  /** As agreed (RFC 7692 section 7.1.1). */
  clientNoContextTakeover: boolean
  serverNoContextTakeover: boolean
  /** As agreed, 8 to 15; 0 without deflate. */
  clientMaxWindowBits: number
  serverMaxWindowBits: number
  /** Whose close frame was the first. */
  closeFirst: 'nobody' | 'local' | 'peer'
  /** 0: no close frame; 1005: one without a code. */
  closeCodeSent: number
  closeCodeReceived: number
  /** bufferedAmount: not yet taken by the kernel. */
  queuedBytes: number
  /** What counts against maxMemoryBytes. */
  memoryBytes: number
  /** Of the last keepalive ping; 0 if none was answered. */
  roundTripMs: number
  messagesReceived: number
  messagesSent: number
  bytesReceived: number
  bytesSent: number
  wireBytesReceived: number
  wireBytesSent: number
  /** Of compressed messages only. */
  receivedBeforeInflate: number
  receivedAfterInflate: number
  sentBeforeDeflate: number
  sentAfterDeflate: number
  /** How long each phase took; 0 for what it did not need or reach. */
  resolveMs: number
  connectMs: number
  proxyMs: number
  tlsMs: number
  upgradeMs: number
}

/** Sums of a server since it was opened. */
export interface WebSocketServerStatistics {
  /** Open ones and those in their handshake. */
  connectionsNow: number
  /** That were opened in all. */
  connections: number
  /** That never opened. */
  refused: number
  messagesReceived: number
  messagesSent: number
  bytesReceived: number
  bytesSent: number
  wireBytesReceived: number
  wireBytesSent: number
}

/** An HTTP head, with the names of node:http. */
export interface UpgradeHead {
  /** Names in lower case, repeated fields joined; set-cookie is an array. */
  readonly headers: Record<string, any>
  /** Names and values as they came, one after the other. */
  readonly rawHeaders: string[]
}

export interface UpgradeRequest extends UpgradeHead {
  readonly method: 'GET'
  /** Path and query. */
  readonly url: string
  /** Subprotocols that the peer offers; empty without verifyClient and handleProtocols. */
  readonly protocols: string[]
  readonly socket: {
    readonly remoteAddress: string | undefined
    readonly remoteFamily: 'IPv4' | 'IPv6'
    readonly remotePort: number | undefined
    readonly encrypted: boolean
  }
}

export interface UpgradeResponse extends UpgradeHead {
  readonly statusCode: number
  readonly statusMessage: string
  /** The beginning of the body, as text. */
  readonly body: string
}

/** What listeners of the browser's kind are given. */
export interface WebSocketEvent {
  readonly type: string
  readonly target: WebSocket
}
export interface WebSocketMessageEvent extends WebSocketEvent {
  readonly data: string | BinaryData
}
export interface WebSocketCloseEvent extends WebSocketEvent {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}
export interface WebSocketErrorEvent extends WebSocketEvent {
  readonly error: GatewireError
  readonly message: string
}

export interface BrowserEvents {
  open: WebSocketEvent
  message: WebSocketMessageEvent
  close: WebSocketCloseEvent
  error: WebSocketErrorEvent
}

export type BrowserListener<Event> = ((event: Event) => void) | { handleEvent (event: Event): void }

export interface WebSocketEvents {
  /** Of a client. */
  open: () => void
  message: (data: BinaryData, isBinary: boolean) => void
  /** With parts: true; of text each part is UTF-8 by itself. */
  part: (data: BinaryData, isBinary: boolean, isLast: boolean) => void
  /** The last event. */
  close: (code: number, reason: Buffer) => void
  /**
   * Comes before 'close' when something went wrong: not for a goodbye of the peer, nor after close() or terminate(), nor
   * for a connection that was lost (1006), of which closed() has the error.  Without a listener it is thrown, unless
   * opened(), closed() or a loop has told it, and never for a connection of a server.
   */
  error: (error: GatewireError) => void
  /** A ping, which was answered. */
  ping: (data: Buffer) => void
  pong: (data: Buffer) => void
  /** send() may go on after it was false. */
  drain: () => void
  /** The server's answer, before 'open'. */
  upgrade: (response: UpgradeResponse) => void
  /** The upgrade was refused; comes in place of 'error' if it has a listener. */
  'unexpected-response': (request: { readonly url: string }, response: UpgradeResponse) => void
}

/** One connection: RFC 6455 with permessage-deflate.  It does not come back by itself. */
export class WebSocket extends EventEmitter {
  static readonly CONNECTING: 0
  static readonly OPEN: 1
  static readonly CLOSING: 2
  static readonly CLOSED: 3
  readonly CONNECTING: 0
  readonly OPEN: 1
  readonly CLOSING: 2
  readonly CLOSED: 3

  /** Starts connecting.  What can be known to be wrong without the network is thrown. */
  constructor (url: string | URL, options?: WebSocketOptions)
  constructor (url: string | URL, protocols?: string | readonly string[], options?: WebSocketOptions)

  on<Name extends keyof WebSocketEvents> (name: Name, listener: WebSocketEvents[Name]): this
  once<Name extends keyof WebSocketEvents> (name: Name, listener: WebSocketEvents[Name]): this
  off<Name extends keyof WebSocketEvents> (name: Name, listener: WebSocketEvents[Name]): this

  addEventListener<Name extends keyof BrowserEvents> (
    type: Name, listener: BrowserListener<BrowserEvents[Name]>, options?: { once?: boolean }): void
  removeEventListener<Name extends keyof BrowserEvents> (
    type: Name, listener: BrowserListener<BrowserEvents[Name]>): void
  onopen: ((event: WebSocketEvent) => void) | null
  onmessage: ((event: WebSocketMessageEvent) => void) | null
  onclose: ((event: WebSocketCloseEvent) => void) | null
  onerror: ((event: WebSocketErrorEvent) => void) | null

  /** Without user and password, after redirects the last one; empty for a connection of a server. */
  readonly url: string
  /** The subprotocol agreed, or empty. */
  readonly protocol: string
  /** 'permessage-deflate', or empty. */
  readonly extensions: string
  readonly readyState: 0 | 1 | 2 | 3
  /** Bytes that the kernel has not yet taken. */
  readonly bufferedAmount: number
  /** Hold back until 'drain'. */
  readonly writableNeedDrain: boolean
  /** Both close frames were seen. */
  readonly wasClean: boolean
  /** What binary messages are. Default: 'nodebuffer'. */
  binaryType: 'nodebuffer' | 'arraybuffer'

  /** After the end the last one, of a server's connection without its counts. */
  state (): WebSocketState
  /** What TLS agreed on; undefined without TLS, before it stands and after the end. */
  tls (): TlsState | undefined

  /** Resolves when the connection is open; rejects with what ended it before. */
  opened (): Promise<this>
  /** Resolves when the connection has ended, whatever it ended with. */
  closed (): Promise<WebSocketEnd>
  /**
   * Messages for `for await`: text as strings, bytes as binaryType says.  The loop ends with the connection, with an
   * error if it was lost or something went wrong.
   * limit: messages that may wait for the loop before it ends with a ResourceError. Default: 16384.
   */
  messages (options?: { limit?: number }): AsyncIterableIterator<string | BinaryData>
  [Symbol.asyncIterator] (): AsyncIterableIterator<string | BinaryData>

  /**
   * Sends a message, or with fin: false a part of one.  false: hold back until 'drain', or the connection has ended.
   * What cannot be sent is told to cb if there is one, else thrown; that the connection has ended is not thrown.
   * cb: called when the next message may be sent.
   */
  send (data: Data, cb?: (error?: GatewireError) => void): boolean
  send (data: Data, options: SendOptions | undefined, cb?: (error?: GatewireError) => void): boolean
  /** Sends a message; resolves when the next one may be sent, rejects if it was not. */
  sent (data: Data, options?: SendOptions): Promise<void>
  /** Sends a ping with at most 125 bytes. */
  ping (cb?: (error?: GatewireError) => void): void
  ping (data: Data, cb?: (error?: GatewireError) => void): void
  ping (data: Data, mask: undefined, cb?: (error?: GatewireError) => void): void
  /** Closes politely: what was sent before still goes out.  Resolves as closed().  Default code: 1000. */
  close (code?: number, reason?: string | Uint8Array): Promise<WebSocketEnd>
  /** Ends the connection at once: nothing more is sent, nobody is waited for.  Resolves as closed(). */
  terminate (): Promise<WebSocketEnd>

  /** Not offered by the library: throws GW_ERR_UNSUPPORTED and says what there is instead. */
  pong (): never
  /** Reads nothing more until resume(), so that TCP holds the peer back; what was read before still comes. */
  pause (): void
  resume (): void
  readonly isPaused: boolean

  /** Keeps the process alive until the end, which is the default.  Connections of a server are held by the server. */
  ref (): this
  unref (): this
}

export interface VerifyInfo {
  /** The Origin field, if there is one. */
  readonly origin: string | undefined
  readonly secure: boolean
  readonly req: UpgradeRequest
}

/**
 * Lets a peer in or not: by its result, by what that promises, or, if it takes cb, by calling that.  A refusal has the
 * HTTP status 401, or one from 400 to 599, and a text as its body.
 */
export type VerifyClient = (
  info: VerifyInfo, cb: (isAllowed: boolean, status?: number, text?: string) => void
) => boolean | Promise<boolean> | void

export interface WebSocketServerOptions extends WebSocketLimits {
  /** Literal address. Default: 127.0.0.1. */
  host?: string
  /** 0 or left out: the kernel picks one. */
  port?: number
  /** true: no TLS, ws://; only for loopback addresses. */
  plaintext?: boolean
  /** PEM files; both left out: a self-signed certificate is made, valid for names. */
  certificateFile?: string
  keyFile?: string
  /** Of an encrypted key. */
  keyPassphrase?: string
  /** PEM file of the CAs that clients must show a certificate of; clientOptional: those that show none are let in too. */
  clientCaFile?: string
  clientOptional?: boolean
  names?: string | readonly string[]
  /** Asked about every upgrade.  If it throws, the peer gets 500 and the error is the program's. */
  verifyClient?: VerifyClient
  /** Chooses among the subprotocols that a peer offers; false: none. */
  handleProtocols?: (protocols: Set<string>, request: UpgradeRequest) => string | false
  /** Without handleProtocols the first of these that the peer offers is chosen. */
  protocols?: string | readonly string[]
  /** Allowed Origin values; left out: any.  A missing one is always allowed. */
  origins?: string | readonly string[]
  /** Milliseconds for TLS, upgrade and verifyClient together. */
  handshakeTimeout?: number
  maxConnections?: number
  maxConnectionsPerAddress?: number
  /** Received, per connection; more is closed with 1008. */
  maxMessagesPerSecond?: number
  /** false: there is no clients. */
  clientTracking?: boolean
}

export interface WebSocketServerEvents {
  listening: () => void
  connection: (socket: WebSocket, request: UpgradeRequest) => void
  /** A peer failed or was refused before its connection was open; the request, if it was read and asked about. */
  refused: (error: GatewireError, request: UpgradeRequest | undefined) => void
  /** It could not listen. */
  error: (error: GatewireError) => void
  /** The last event: all connections have ended. */
  close: () => void
}

/** Accepts WebSockets, over TLS if it is not told otherwise. */
export class WebSocketServer extends EventEmitter {
  constructor (options?: WebSocketServerOptions, listening?: () => void)

  on<Name extends keyof WebSocketServerEvents> (name: Name, listener: WebSocketServerEvents[Name]): this
  once<Name extends keyof WebSocketServerEvents> (name: Name, listener: WebSocketServerEvents[Name]): this
  off<Name extends keyof WebSocketServerEvents> (name: Name, listener: WebSocketServerEvents[Name]): this

  /** Open connections; undefined with clientTracking: false. */
  readonly clients: Set<WebSocket>
  /** 'wss://127.0.0.1:8443' */
  readonly url: string
  /** SHA-256 of the certificate: what clients pin; undefined without TLS. */
  readonly pin: string | undefined
  /** SHA-256 of the certificate's SubjectPublicKeyInfo. */
  readonly keyPin: string | undefined
  /** The certificate as PEM. */
  readonly certificate: string | undefined
  /** Reads the PEM files again: who connects from now on is shown the new certificate. */
  reloadCertificate (): void

  /** null when it does not listen. */
  address (): { address: string, family: 'IPv4' | 'IPv6', port: number } | null
  /** Sums since it was opened; zeros after the end. */
  statistics (): WebSocketServerStatistics
  /**
   * Stops listening and closes every connection with 1001; resolves when all have ended.
   * cb: called then, with an error if it did not listen.
   */
  close (cb?: (error?: GatewireError) => void): Promise<void>
  /** Keeps the process alive while the server runs, which is the default. */
  ref (): this
  unref (): this
}
