import GWBase
import GWJSON

/// JSON that the host gave: checked, so that nothing broken ever leaves; none for NULL and 0.
func json(
    _ name: StaticString, _ bytes: UnsafeRawPointer?, _ length: Int, isSecret: Bool = false
) throws(Failure) -> UnsafeRawBufferPointer {
    guard let bytes else {
        guard length == 0 else { throw Failure(.argument, .program, "\(name) is NULL, but its length is \(length)") }
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    guard length > 0, length <= Int(Int32.max) else {
        throw Failure(.argument, .program, "\(name) has \(length) bytes; give NULL and 0 for none")
    }
    let text = UnsafeRawBufferPointer(start: bytes, count: length)
    guard UTF8Validator.isValid(text) else {
        throw Failure(.jsonText, .program, "\(name) is not UTF-8")
    }
    guard JSON.isValid(text) else {
        throw Failure(
            .jsonText, .program,
            "\(name) is not valid JSON" + (isSecret ? "" : ": \(String(printable: text, limit: 60))"))
    }
    return text
}
