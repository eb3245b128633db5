import Foundation
import GWBase
import GWGateway
import Testing

@Suite("Journal: log and flight recorder")
struct JournalTests {
    private func journal(_ change: (inout Journal.Settings) -> Void) -> Journal? {
        var settings = Journal.Settings()
        change(&settings)
        return Journal.make(settings, ClientEnd.start)
    }

    private func lines(_ journal: Journal) -> [[String: Any]] {
        text(journal.dump()).split(separator: "\n").map { object(String($0)) }
    }

    private func shown(_ frame: String, limit: UInt32 = 512) throws -> String {
        let journal = try #require(
            journal {
                $0.level = 4; $0.frameBytes = limit
            })
        let frame = Text(frame)
        return text(try #require(journal.frame(isIncoming: true, frame.bytes, ClientEnd.start)).text)
    }

    @Test("without a level and a recorder nothing is noted")
    func off() {
        #expect(journal { _ in } == nil)
    }

    @Test("entries are logged up to the level, and no further")
    func levels() throws {
        for level in 1...4 as ClosedRange<UInt32> {
            let journal = try #require(journal { $0.level = level })
            let failure = Failure(.lost, .network, "lost")
            let frame = Text("{}")
            #expect(journal.failure(failure, isFinal: true, ClientEnd.start) != nil)
            #expect((journal.failure(failure, isFinal: false, ClientEnd.start) != nil) == (level >= 2))
            #expect((journal.state("ready", ClientEnd.start) != nil) == (level >= 3))
            #expect((journal.frame(isIncoming: false, frame.bytes, ClientEnd.start) != nil) == (level >= 4))
        }
    }

    @Test("what has the name of a credential is hidden, wherever it stands and however it is spelled")
    func secrets() throws {
        for (frame, wanted) in [
            (#"{"auth":{"token":"t0p","password":"t0p"},"a":1}"#, #"{"auth":{"token":null,"password":null},"a":1}"#),
            (
                #"{"deviceToken" : {"x":"t0p"} , "b":[{"apiKey":["t0p"]}]}"#,
                #"{"deviceToken" :null , "b":[{"apiKey":null}]}"#
            ),
            (
                #"{"SECRET":"t0p\"","to\u006ben":"t0p","device":{"signature":"t0p"}}"#,
                #"{"SECRET":null,"to\u006ben":null,"device":{"signature":null}}"#
            ),
            (#"{"token_count":5,"text":"token"}"#, #"{"token_count":5,"text":"token"}"#),
        ] {
            #expect(try shown(frame) == wanted)
        }
    }

    @Test("a frame is shown up to its limit; a secret that the cut goes through is hidden, too")
    func cut() throws {
        let frame = #"{"a":"xxxxxxxxxx","token":"t0ps3cr3t","b":1}"#
        for limit in 0...UInt32(frame.utf8.count) {
            let seen = try shown(frame, limit: limit)
            #expect(!seen.contains("t0p") && seen.utf8.count <= Int(limit) + 4, "\(limit): \(seen)")
        }
    }

    @Test("the recorder keeps the last entries within its bytes, as lines of JSON in their order")
    func ring() throws {
        let journal = try #require(journal { $0.recorderBytes = 2000 })
        for number in 0..<1000 {
            let frame = Text("{\"n\":\(number)}")
            _ = journal.frame(
                isIncoming: number % 2 == 0, frame.bytes, ClientEnd.start.adding(milliseconds: UInt32(number)))
        }
        #expect(journal.dump().count <= 2000 && journal.dump().count > 1800)
        let numbers = lines(journal).map { $0["ms"] as? Int ?? -1 }
        #expect(numbers == Array((1000 - numbers.count)..<1000))
        let last = try #require(lines(journal).last)
        #expect(
            last["kind"] as? String == "out" && last["text"] as? String == #"{"n":999}"# && last["bytes"] as? Int == 9)
    }

    @Test("an entry that is larger than the recorder is not kept, and what is not UTF-8 stays a line of JSON")
    func awkward() throws {
        let journal = try #require(
            journal {
                $0.recorderBytes = 100; $0.frameBytes = 4096
            })
        let large = Text("\"\(String(repeating: "x", count: 500))\"")
        _ = journal.frame(isIncoming: true, large.bytes, ClientEnd.start)
        #expect(journal.dump().isEmpty)
        let cut = Text([0x22, 0xc3, 0x0a])
        _ = journal.frame(isIncoming: true, cut.bytes, ClientEnd.start)
        #expect(lines(journal).count == 1 && lines(journal)[0]["kind"] as? String == "in")
    }

    @Test("the dump with each failure comes only if it was asked for, and holds the failure")
    func dumpOnFailure() throws {
        let failure = Failure(.lost, .network, "the wire was cut")
        for wants in [true, false] {
            let journal = try #require(
                journal {
                    $0.recorderBytes = 1000; $0.dumpsOnFailure = wants
                })
            _ = journal.failure(failure, isFinal: false, ClientEnd.start)
            #expect(journal.dumpOnFailure().map { text($0.text).contains("the wire was cut") } == (wants ? true : nil))
        }
    }
}
