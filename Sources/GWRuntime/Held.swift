/// A reference to an object that can also be lent: a message on its way asks for the object without a retain and a release,
/// which are two atomic operations.
struct Held<Object: AnyObject> {
    var object: Object? {
        didSet { lent = object.map { Unmanaged.passUnretained($0) } }
    }
    private var lent: Unmanaged<Object>?

    /// Runs `body`, which must not end the holding, on the object; nil where none is held.
    @inline(__always)
    func lend<Result>(_ body: (Object) -> Result) -> Result? { lent?._withUnsafeGuaranteedRef(body) }
}
