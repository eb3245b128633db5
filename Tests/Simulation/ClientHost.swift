import GWBase
import GWGateway
import GWJSON

/// The program whose client it is: what it is told.
protocol ClientHost: AnyObject {
    func clientConnected(_ client: SimulatedClient, hello: Hello)
    func client(
        _ client: SimulatedClient, disconnected failure: Failure, connection: UInt64, retryMilliseconds: UInt32?)
    /// It wants credentials for an attempt.
    func client(_ client: SimulatedClient, asks question: UInt64)
    func client(_ client: SimulatedClient, closed failure: Failure?, connection: UInt64)
    /// An event has arrived; it may still be held back.
    func client(_ client: SimulatedClient, arrived event: GatewayEvent, missing: UInt64)
    func client(_ client: SimulatedClient, event: GatewayEvent)
    func client(_ client: SimulatedClient, resync: ClientMachine.Resync)
    func client(_ client: SimulatedClient, warned failure: Failure)
    /// A call that was kept is put on a channel.
    func client(_ client: SimulatedClient, wrote frame: [UInt8], on channel: Channel, offset: UInt64)
    func client(_ client: SimulatedClient, accepted id: UInt64)
    func client(_ client: SimulatedClient, answered id: UInt64, _ status: Status, _ content: [UInt8])
    func client(_ client: SimulatedClient, ended call: ClientMachine.EndedCall)
    func client(_ client: SimulatedClient, subscribed id: UInt64)
    func client(_ client: SimulatedClient, synced outcomes: [UInt8])
}

/// Of what a host takes no note.
extension ClientHost {
    func client(_ client: SimulatedClient, asks question: UInt64) {}
    func client(_ client: SimulatedClient, arrived event: GatewayEvent, missing: UInt64) {}
    func client(_ client: SimulatedClient, event: GatewayEvent) {}
    func client(_ client: SimulatedClient, resync: ClientMachine.Resync) {}
    func client(_ client: SimulatedClient, warned failure: Failure) {}
    func client(_ client: SimulatedClient, wrote frame: [UInt8], on channel: Channel, offset: UInt64) {}
    func client(_ client: SimulatedClient, accepted id: UInt64) {}
    func client(_ client: SimulatedClient, answered id: UInt64, _ status: Status, _ content: [UInt8]) {}
    func client(_ client: SimulatedClient, ended call: ClientMachine.EndedCall) {}
    func client(_ client: SimulatedClient, subscribed id: UInt64) {}
    func client(_ client: SimulatedClient, synced outcomes: [UInt8]) {}
}

struct GatewayEvent {
    let sequence: UInt64?
    let payload: [UInt8]

    init(_ frame: EventFrame, in text: UnsafeRawBufferPointer) {
        sequence = frame.sequence
        payload = frame.payload.map { Array($0.bytes(in: text)) } ?? []
    }
}
