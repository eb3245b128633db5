import gatewire from './index.js'

export const {
  configure,
  networkChanged,
  connect,
  doctor,
  serve,
  Client,
  Server,
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
  ResourceError
} = gatewire

export default gatewire
