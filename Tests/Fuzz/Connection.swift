import GWBase
import GWDeflate

@testable import GWWebSocket

/// A whole connection in either role, fed anything, while the host sends, waits and closes: what it reports and sends does not depend on
/// how its input is cut; what it sends are frames that the other end understands, with the messages that were sent in them; it
/// keeps to its limits, and it ends exactly once.
func fuzzConnection(_ input: UnsafeRawBufferPointer) {
    let plan = ConnectionPlan(input)
    func outcome(_ cutting: Cutting) -> ConnectionEnd.Outcome {
        let end = ConnectionEnd(plan, cutting)
        end.run()
        return end.outcome
    }
    let outcomes = plan.isComparable ? [sameForEveryCutting(outcome)] : Cutting.allCases.map(outcome)
    for outcome in outcomes {
        requireFrames(outcome.output, from: plan.role)
        requireUnderstood(outcome, plan)
    }
}

/// The output, read by its frame headers alone: each is masked as its sender must, none follows a close frame, nothing is left over.
private func requireFrames(_ output: [UInt8], from role: Role) {
    var at = 0
    var isClosed = false
    while at < output.count {
        require(!isClosed, "bytes behind the close frame")
        require(output.count - at >= 2, "half a header")
        isClosed = output[at] & 15 == 8
        require((output[at + 1] & 128 != 0) == (role == .client), "a frame of a \(role) with the wrong mask bit")
        var length = Int(output[at + 1] & 127)
        let extra = length < 126 ? 0 : length == 126 ? 2 : 8
        let size = 2 + extra + (role == .client ? 4 : 0)
        require(output.count - at >= size, "half a header")
        if extra > 0 { length = output[at + 2..<at + 2 + extra].reduce(0) { $0 << 8 | Int($1) } }
        require(length <= output.count - at - size, "half a frame")
        at += size + length
    }
}

/// The other end gets the messages that were sent, and finds nothing wrong.
private func requireUnderstood(_ outcome: ConnectionEnd.Outcome, _ plan: ConnectionPlan) {
    let other = WebSocketConnection(
        role: plan.role == .client ? .server : .client, settings: WebSocketSettings(), deflate: plan.deflate,
        random: seededPool(2), now: Instant(microseconds: 0))
    let arena = Arena(chunkSize: 1024)
    var messages: [ConnectionEnd.Event] = []
    withExactly(outcome.output) { window in
        var offset = 0
        while offset < window.count {
            switch other.next(window, &offset, arena, Instant(microseconds: 0)) {
            case .message(let kind, let bytes): messages.append(.message(kind, Array(bytes)))
            case .failed(let failure): fatalError("the other end fails: \(failure.text)")
            default: break
            }
        }
    }
    require(other.carried.isEmpty, "half a frame")
    require(messages == outcome.sent, "\(messages) arrived, \(outcome.sent) were sent")
}
