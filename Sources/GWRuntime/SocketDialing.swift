import GWBase
import GWHTTP
import GWJSON
import GWWebSocket

/// A socket that dials.
extension Socket: DialOwner {
    /// Starts connecting.  With the context's lock held.
    public static func open(context: Context, dial settings: DialSettings, socket: SocketSettings) -> Socket {
        let socket = Socket(context: context, settings: socket, listener: nil)
        let dial = Dial(context: context, settings: settings, owner: socket)
        socket.phase = .dialing(dial)
        // It begins with the next turn, so that opening never waits.
        dial.beginSoon()
        return socket
    }

    func dial(
        _ dial: Dial, opened channel: Channel, _ handshake: ClientHandshake, _ agreement: Agreement, _ now: Instant
    ) {
        timings = dial.timings
        var detail = ByteBuffer()
        detail.appendJSONObject { object in
            object.array("headers") { SocketDetail.write(handshake.responseHead?.fields, &$0) }
            object.string("url", dial.settings.url.text)
            object.integer("redirects", dial.redirects)
        }
        opened(channel, subprotocol: agreement.subprotocol, detail: Array(detail.readable))
    }

    func dial(_ dial: Dial, asks question: UInt64, about refusal: Failure) {
        context.emit(
            Event(asking: question, about: refusal, source: id, userData: settings.userData, context.arena))
    }

    func dial(_ dial: Dial, failed failure: Failure, _ now: Instant) {
        timings = dial.timings
        ended(failure)
    }
}

/// Header fields as JSON for events.
enum SocketDetail {
    static func write(_ fields: HeaderFields?, _ array: inout JSONWriter) {
        guard let fields else { return }
        for field in fields.fields {
            array.array { pair in
                pair.string(field.name)
                pair.string(field.value)
            }
        }
    }
}
