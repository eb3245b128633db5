import { RouteOptions, TrustOptions } from './index'

/** Sent at each join: an object, or a function that is asked for one and hands it to the callback. */
export type SocketIOAuth = object | ((callback: (auth?: object | null) => void) => void)

/**
 * Names of socket.io-client where it has the option.  What is left out is decided by the library, whose defaults stand in
 * gatewire/socketio.h.  Times are milliseconds, Infinity is never.
 */
export interface SocketIOOptions {
  /** Sent at each join; Socket.auth can be changed later. */
  auth?: SocketIOAuth
  /** false: nothing happens until connect(). Default: true. */
  autoConnect?: boolean
  /** Path of the request. Default: '/socket.io'. */
  path?: string
  /** Pairs for the query, in place of the URL's. */
  query?: Readonly<Record<string, string>> | ReadonlyArray<readonly [string, string]>
  /** Added to the upgrade request. */
  extraHeaders?: Readonly<Record<string, string>> | ReadonlyArray<readonly [string, string]>
  /** For the server's open packet, and for its answer to each join. Default: 20000. */
  timeout?: number
  /** For acknowledgements; with it their callbacks are given an error first. */
  ackTimeout?: number
  /** For auth to be answered. Default: 60000. */
  authTimeoutMs?: number
  /** false: the end of the first connection is the end. Default: true. */
  reconnection?: boolean
  /** Failed attempts in a row after which it ends. Default: Infinity. */
  reconnectionAttempts?: number
  /** The first delay, doubled each time. Default: 1000. */
  reconnectionDelay?: number
  /** Ceiling of all delays. Default: 5000. */
  reconnectionDelayMax?: number
  /** Share of the delay, 0 to 1, by which it may be longer or shorter. Default: 0.5. */
  randomizationFactor?: number
  /** Further URLs of the same server. */
  alternates?: string | readonly string[]
  /** SHA-256 fingerprints of the server's certificate, as for Client. */
  pins?: string | readonly string[]
  /** PEM file used in place of the system's CA certificates. */
  caFile?: string
  /** Sent as SNI and verified in place of the URL's host. */
  serverName?: string
  /** Whether http:// may lead beyond this machine. Default: 'loopback'. */
  plaintext?: 'loopback' | 'private' | 'any'
  trust?: TrustOptions
  route?: RouteOptions
  /** permessage-deflate; 'takeover': its window is kept between messages. */
  deflate?: boolean | 'takeover'
  deflateThresholdBytes?: number
  connectTimeoutMs?: number
  tlsTimeoutMs?: number
  upgradeTimeoutMs?: number
  closeTimeoutMs?: number
  maxMessageBytes?: number
  /** Outgoing bytes that may wait; what would pass it is refused with GW_ERR_FULL. */
  maxQueuedBytes?: number
  /** Acknowledgements in flight, of either side. */
  maxCalls?: number
  maxNamespaces?: number
  /** Of one packet that comes. Default: 10. */
  maxAttachments?: number
  /** Of one packet that comes, with its attachments. */
  maxPacketBytes?: number
  /** Kept for a namespace until it is joined. */
  maxBufferedEvents?: number
  maxBufferedBytes?: number
}

/** One emit with what was said before it. */
export interface SocketSender {
  /** Drops the event if it cannot be sent at once. */
  readonly volatile: SocketSender
  /** For the acknowledgement; the callback is given an error first. */
  timeout (milliseconds: number): SocketSender
  /** A function as the last argument is called with the acknowledgement. */
  emit (event: string, ...args: any[]): Socket
  /** The first argument of the acknowledgement; rejects with CallTimeoutError, OutcomeUnknownError or NotSentError. */
  emitWithAck (event: string, ...args: any[]): Promise<any>
}

/**
 * A namespace.  Binary data (Buffer, Uint8Array, ArrayBuffer) may be anywhere in the arguments, and comes as Buffer.
 *
 * Beside the server's events there are 'connect', 'disconnect' (reason, error) and 'connect_error' (error; `data` is what
 * the server gave; while `active`, another attempt follows by itself).
 */
export class Socket {
  private constructor ()
  auth: SocketIOAuth | undefined
  readonly io: Manager
  readonly nsp: string
  /** Our id in the namespace; undefined while it is not joined. */
  readonly id: string | undefined
  readonly connected: boolean
  readonly disconnected: boolean
  /** Whether it is joined, or will be by itself. */
  readonly active: boolean
  /** Whether the last join went on with the session of before, and no event is missing. */
  readonly recovered: boolean
  /** Drops the event if it cannot be sent at once. */
  readonly volatile: SocketSender
  connect (): this
  disconnect (): this
  close (): this
  /**
   * Sends an event, or keeps it until the namespace is joined.  A function as the last argument is called with the
   * acknowledgement, if one comes.  Throws NotConnectedError when it is not active, ResourceError when too much waits.
   */
  emit (event: string, ...args: any[]): this
  /** The first argument of the acknowledgement; rejects with CallTimeoutError, OutcomeUnknownError or NotSentError. */
  emitWithAck (event: string, ...args: any[]): Promise<any>
  timeout (milliseconds: number): SocketSender
  /** If the server asks for an acknowledgement, the last argument is a function that gives it, once. */
  on (event: string, listener: (...args: any[]) => void): this
  once (event: string, listener: (...args: any[]) => void): this
  /** Without a listener: all of the event; without an event: all. */
  off (event?: string, listener?: (...args: any[]) => void): this
  listeners (event: string): Function[]
  hasListeners (event: string): boolean
  /** Called with the name and the arguments of each event of the server. */
  onAny (listener: (event: string, ...args: any[]) => void): this
  offAny (listener?: (event: string, ...args: any[]) => void): this
}

/** One connection for several namespaces, from the first that joins to the last that leaves. */
export class Manager {
  constructor (url: string | URL, options?: SocketIOOptions)
  /** The Socket of a namespace, the same each time; it connects, unless autoConnect is false. */
  socket (nsp: string, options?: { auth?: SocketIOAuth }): Socket
}

/** The Socket of the namespace that is the URL's path, on a connection of its own. */
export function io (url: string | URL, options?: SocketIOOptions): Socket
