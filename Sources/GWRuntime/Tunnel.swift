import CSystem
import GWBase
import GWHTTP
import GWRoute
import GWTLS

/// Whoever wants the tunnel: told once how it went.
protocol TunnelOwner: AnyObject {
    /// The descriptor is the owner's now; with `link` everything goes through that.
    func tunnel(_ tunnel: Tunnel, opened descriptor: Int32, _ link: ProxyLink?, _ now: Instant)
    func tunnel(_ tunnel: Tunnel, failed failure: Failure, _ now: Instant)
}

/// The talk with a proxy on a fresh connection, until the tunnel stands.
final class Tunnel: Source {
    private enum Stage {
        case securing(ProxyLink)
        case asking(ProxyLink?)
        case ended
    }

    private static let answerSize = 4_096

    private var fd: Int32
    /// For messages.
    private let proxy: String
    private var machine: ProxyTunnel
    private var output = ByteBuffer()
    private var stage: Stage
    private unowned(unsafe) let owner: any TunnelOwner

    /// Takes the descriptor over.  The owner must call `cancel` before it goes.
    init(
        context: Context, fd: Int32, through proxy: RouteSettings.Proxy, to target: TunnelTarget,
        owner: any TunnelOwner
    ) throws(Failure) {
        self.fd = fd
        self.proxy = proxy.url.hostText
        self.owner = owner
        do throws(Failure) {
            machine = try ProxyTunnel(proxy.url, to: target, authorization: proxy.authorization)
            try machine.begin(into: &output)
            stage = .asking(nil)
            if let tls = proxy.tls {
                let engine = try TLSEngine(client: tls, serverName: String(printable: proxy.url.host.text))
                stage = .securing(ProxyLink(fd: fd, tls: engine))
            }
        } catch {
            Syscall.close(fd)
            throw error
        }
        super.init(context: context)
        start()
        context.reactor.watch(fd, id, gw_epoll_in | gw_epoll_out, isNew: true)
    }

    deinit { drop() }

    /// Gives it up without a word.
    func cancel() {
        drop()
        finish()
    }

    override func drop() {
        guard fd >= 0 else { return }
        stage = .ended
        context.unwatch(fd)
        Syscall.close(fd)
        fd = -1
        output.wipe()
    }

    override func ready(_ events: UInt32, _ now: Instant) {
        if case .securing(let link) = stage {
            switch link.handshake() {
            case .waits: return watch(isBlocked: link.queuedBytes > 0)
            case .failed(var failure):
                failure.text = "the proxy \(proxy): \(failure.text)"
                return fail(failure, now)
            case .done: stage = .asking(link)
            }
        }
        guard case .asking(let link) = stage, send(link, now) else { return }
        receive(link, now)
    }

    /// False if that was the end.
    private func send(_ link: ProxyLink?, _ now: Instant) -> Bool {
        var result = link?.flush() ?? .bytes(0)
        if case .bytes = result, !output.isEmpty {
            result = link?.send(output.readable) ?? Syscall.send(fd, output.readable)
            if case .bytes(let count) = result { output.consume(count) }
        }
        if case .failed(let error) = result {
            fail(lost(error), now)
            return false
        }
        watch(isBlocked: !output.isEmpty || (link?.queuedBytes ?? 0) > 0)
        return true
    }

    private func watch(isBlocked: Bool) {
        context.reactor.watch(fd, id, isBlocked ? gw_epoll_in | gw_epoll_out : gw_epoll_in, isNew: false)
    }

    private func receive(_ link: ProxyLink?, _ now: Instant) {
        withUnsafeTemporaryAllocation(byteCount: Tunnel.answerSize, alignment: 16) { room in
            while fd >= 0 {
                switch link?.receive(into: room) ?? Syscall.receive(fd, into: room) {
                case .bytes(let count): take(UnsafeRawBufferPointer(rebasing: room[0..<count]), link, now)
                case .wouldBlock: return
                case .ended: return fail(machine.endOfStream(), now)
                case .failed(let error): return fail(lost(error), now)
                }
            }
        }
    }

    private func take(_ bytes: UnsafeRawBufferPointer, _ link: ProxyLink?, _ now: Instant) {
        switch machine.receive(bytes) {
        case .needMore:
            break
        case .send(let answer):
            output.append(answer)
            _ = send(link, now)
        case .failed(let failure):
            fail(failure, now)
        case .open(let consumed):
            // Behind the tunnel the client speaks first, in TLS and in HTTP.
            guard consumed == bytes.count else {
                return fail(
                    Failure(.proxy, .network, "the proxy \(proxy) sent more before anything was asked of the server"),
                    now)
            }
            let opened = fd
            context.unwatch(opened)
            fd = -1
            stage = .ended
            output.wipe()
            finish()
            owner.tunnel(self, opened: opened, link, now)
        }
    }

    private func lost(_ error: Int32) -> Failure {
        Failure(
            .proxy, .network, "the connection to the proxy \(proxy) was lost: \(SystemError.text(error))",
            isRetryable: true)
    }

    private func fail(_ failure: Failure, _ now: Instant) {
        cancel()
        owner.tunnel(self, failed: failure, now)
    }
}
