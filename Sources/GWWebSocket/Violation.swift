import GWBase

/// What a peer can do wrong, each with the close code for it (RFC 6455 section 7.4.1).
enum Violation {
    case reservedBits(UInt8)
    case compressionNotAgreed
    case compressedContinuation
    case compressedControl
    case unknownOpcode(UInt8)
    case fragmentedControl
    case continuationWithoutMessage
    case messageInsideMessage
    case maskedByServer
    case unmaskedByClient
    case longControl(Int)
    case lengthNotMinimal(UInt64)
    case lengthTopBit
    case messageTooBig(UInt64, limit: Int)
    case inflatedTooBig(limit: Int)
    case frameTooBig(UInt64, limit: Int)
    case memory(Int, limit: Int)
    case tooManyFragments(limit: Int)
    case invalidText
    case unfinishedText
    case invalidDeflate
    case unfinishedDeflate
    case closeBodyOfOneByte
    case closeCode(UInt16)
    case closeReason

    var closeCode: UInt16 {
        switch self {
        case .messageTooBig, .inflatedTooBig, .frameTooBig, .memory: CloseCode.messageTooBig
        case .tooManyFragments: CloseCode.policyViolation
        case .invalidText, .unfinishedText, .invalidDeflate, .unfinishedDeflate, .closeReason:
            CloseCode.invalidPayload
        default: CloseCode.protocolError
        }
    }

    private var status: Status {
        switch self {
        case .messageTooBig, .inflatedTooBig, .frameTooBig: .tooBig
        case .tooManyFragments, .memory: .limit
        case .invalidText, .unfinishedText, .closeReason: .utf8
        case .invalidDeflate, .unfinishedDeflate: .deflate
        default: .protocolError
        }
    }

    /// The limits are this end's options; all else is the peer's mistake.
    private var actor: Actor {
        switch self {
        case .messageTooBig, .inflatedTooBig, .frameTooBig, .tooManyFragments, .memory: .program
        default: .operator
        }
    }

    private var text: String {
        switch self {
        case .reservedBits(let bits): "frame with reserved bits set: first byte \(bits) (RFC 6455 section 5.2)"
        case .compressionNotAgreed: "compressed frame, but no compression was agreed (RFC 6455 section 5.2)"
        case .compressedContinuation: "RSV1 on a continuation frame (RFC 7692 section 6.1)"
        case .compressedControl: "RSV1 on a control frame (RFC 7692 section 6.1)"
        case .unknownOpcode(let opcode): "reserved opcode \(opcode) (RFC 6455 section 5.2)"
        case .fragmentedControl: "fragmented control frame (RFC 6455 section 5.5)"
        case .continuationWithoutMessage: "continuation frame without a message to continue (RFC 6455 section 5.4)"
        case .messageInsideMessage: "new message before the last one ended (RFC 6455 section 5.4)"
        case .maskedByServer: "masked frame from a server (RFC 6455 section 5.1)"
        case .unmaskedByClient: "unmasked frame from a client (RFC 6455 section 5.1)"
        case .longControl(let length): "control frame with length field \(length), limit 125 (RFC 6455 section 5.5)"
        case .lengthNotMinimal(let length): "length \(length) not in its shortest form (RFC 6455 section 5.2)"
        case .lengthTopBit: "64-bit length with its top bit set (RFC 6455 section 5.2)"
        case .messageTooBig(let size, let limit): "message of \(size) bytes or more, limit \(limit)"
        case .inflatedTooBig(let limit): "message inflates to \(UInt64(limit) + 1) bytes or more, limit \(limit)"
        case .frameTooBig(let size, let limit): "frame of \(size) bytes, limit \(limit)"
        case .memory(let size, let limit): "an unfinished message of \(size) bytes or more, memory left for it \(limit)"
        case .tooManyFragments(let limit): "message of \(UInt64(limit) + 1) fragments or more, limit \(limit)"
        case .invalidText: "text that is not UTF-8 (RFC 6455 section 8.1)"
        case .unfinishedText: "text ends inside a code point (RFC 6455 section 8.1)"
        case .invalidDeflate: "compressed message does not inflate (RFC 7692 section 7.2.2)"
        case .unfinishedDeflate: "compressed message is cut off (RFC 7692 section 7.2.2)"
        case .closeBodyOfOneByte: "close frame with a body of one byte (RFC 6455 section 5.5.1)"
        case .closeCode(let code): "close frame with code \(code), which must not be sent (RFC 6455 section 7.4)"
        case .closeReason: "close frame whose reason is not UTF-8 (RFC 6455 section 5.5.1)"
        }
    }

    var failure: Failure {
        Failure(status, actor, text, isRetryable: false, code: UInt32(closeCode))
    }
}
