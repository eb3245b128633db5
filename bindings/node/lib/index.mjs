import gatewire from './index.js'

export const {
  configure,
  networkChanged,
  connect,
  doctor,
  serve,
  Client,
  Server,
  Manager,
  Socket,
  io,
  WebSocket,
  WebSocketServer,
  normalizePin,
  readPin,
  version,
  dependencies,
  GatewireError,
  UsageError,
  NotConnectedError,
  NetworkError,
  TlsError,
  PinError,
  UpgradeError,
  WebSocketError,
  GatewayError,
  RpcError,
  NotSentError,
  OutcomeUnknownError,
  CallTimeoutError,
  CallCancelledError,
  SocketIOError,
  ResourceError
} = gatewire

export default gatewire
