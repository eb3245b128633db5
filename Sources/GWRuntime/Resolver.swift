import CSystem
import GWBase

/// Looks host names up on short-lived threads, because the C library can do it in no other way.  A look-up that nobody
/// waits for any more ends unheard.
final class Resolver {
    enum Outcome {
        case addresses([SocketAddress])
        case failed(String)
    }

    private struct Answer {
        let request: UInt64
        let outcome: Outcome
    }

    /// Shared by the context and its look-up threads, whichever goes last.
    private final class Mailbox {
        let lock = Mutex()
        var answers: [Answer] = []
        /// Descriptor to signal; -1 after the context has gone.
        var event: Int32 = -1
    }

    private let mailbox = Mailbox()
    private let event: Int32
    private var lastRequest: UInt64 = 0

    /// Readable when `takeAnswers` has something.
    var fd: Int32 { event }

    init() throws(SystemError) {
        event = try Syscall.makeEvent()
        mailbox.event = event
    }

    deinit {
        mailbox.lock.locked { mailbox.event = -1 }
        Syscall.close(event)
    }

    /// Begins a look-up; its number comes back with the answer.  nil: the system gives no thread.
    func begin(host: [UInt8], port: UInt16) -> UInt64? {
        lastRequest += 1
        let request = lastRequest
        let mailbox = mailbox
        let thread = Thread {
            let outcome = Resolver.lookUp(host, port)
            mailbox.lock.locked {
                mailbox.answers.append(Answer(request: request, outcome: outcome))
                if mailbox.event >= 0 { Syscall.signal(mailbox.event) }
            }
        }
        guard let thread else { return nil }
        thread.detach()
        return request
    }

    func takeAnswers(_ body: (UInt64, Outcome) -> Void) {
        Syscall.drain(event)
        let answers = mailbox.lock.locked {
            let answers = mailbox.answers
            mailbox.answers = []
            return answers
        }
        for answer in answers { body(answer.request, answer.outcome) }
    }

    private static func lookUp(_ host: [UInt8], _ port: UInt16) -> Outcome {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV
        let name = host.map { CChar(bitPattern: $0) } + [0]
        let service = decimalText(UInt64(port)).map { CChar(bitPattern: $0) } + [0]
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(name, service, &hints, &list)
        guard result == 0 else {
            let text = gai_strerror(result).map { String(cString: $0) } ?? "error \(result)"
            return .failed(text)
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let current = entry {
            if let pointer = current.pointee.ai_addr,
                let address = SocketAddress(copying: pointer, Int(current.pointee.ai_addrlen))
            {
                addresses.append(address)
            }
            entry = current.pointee.ai_next
        }
        return .addresses(addresses)
    }
}
