/// One program for all targets.  It goes by the name of the one that it is started as, with the options of libFuzzer.
private let targets: [(name: String, run: @Sendable (UnsafeRawBufferPointer) -> Void)] = [
    ("connection", fuzzConnection),
    ("deflate", fuzzDeflate),
    ("envelope", fuzzEnvelope),
    ("extensions", fuzzExtensions),
    ("frames", fuzzFrames),
    ("inflate", fuzzInflate),
    ("json", fuzzJSON),
    ("request", fuzzRequest),
    ("response", fuzzResponse),
    ("socketio", fuzzSocketIO),
    ("url", fuzzURL),
]

nonisolated(unsafe) private var run: (UnsafeRawBufferPointer) -> Void = { _ in }

@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    let path = arguments.pointee.pointee.map { String(cString: $0) } ?? ""
    let name = path.split(separator: "/").last ?? ""
    guard let target = targets.first(where: { $0.name == name }) else {
        fatalError("\(name) is no target; start as one of \(targets.map(\.name))")
    }
    run = target.run
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    run(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
}
