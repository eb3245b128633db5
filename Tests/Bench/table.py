"""The table: gatewire beside the limit and the best peer of each workload."""

import statistics

from workloads import CLIENT, SERVER, is_unfair

OURS = ("gatewire", "gatewire-python", "gatewire-node")
GROUPS = {
    "gatewire": None,  # every peer
    "gatewire-python": ("picows", "websockets", "aiohttp"),
    "gatewire-node": ("node-ws", "node-builtin"),
}


def text(value):
    if value is None:
        return "-"
    return "%.0f" % value if value >= 100 else "%.1f" % value if value >= 10 else "%.2f" % value if value >= 0.095 else "%.4f" % value


def zlib_alone(name, results):
    """Microseconds that zlib alone takes for the message, at the same settings."""
    size = 65536 if name.endswith("64k") else 1024
    def microseconds(what):
        rate = results.get("limit/%s %d B l6 m8 w15" % (what, size))
        return size / rate[0] if rate else None
    deflate, inflate = microseconds("deflate"), microseconds("inflate")
    if name.startswith("zsend"):
        return deflate
    if name.startswith("zrecv"):
        return inflate
    return deflate + inflate if deflate and inflate else None


class Row:
    """One workload, plain or TLS, with the medians of all who ran it."""

    def __init__(self, part, name, tls, results):
        start = "%s/%s/%d/" % (part, name, tls)
        self.part, self.name, self.tls = part, name, tls
        self.figures = {key[len(start):]: statistics.median(value) for key, value in results.items() if key.startswith(start)}
        if name.startswith("z"):
            self.limit = zlib_alone(name, results)
        else:
            self.limit = self.figures.get("raw") or self.figures.get("floor")

    def best(self, group):
        peers = [(figure, peer) for peer, figure in self.figures.items()
                 if peer not in ("raw", "floor") + OURS and (group is None or peer in group) and not is_unfair(peer, self.name)]
        return min(peers, default=(None, "-"))

    def line(self, ours):
        figure = self.figures[ours]
        best, peer = self.best(GROUPS[ours])
        ratio = "%.2f" % (self.limit / figure) if self.limit else "-"
        against = "%.2f" % (best / figure) if best else "-"
        floor = text(self.figures.get("floor"))
        return "| %s | %s %s | %s | %s | %s | %s %s | %s | %s |" % (
            ours if self.part == "client" else ours + " server", self.name, "wss" if self.tls else "ws", text(self.limit), floor,
            text(figure), peer, text(best), ratio, against)


def rows(results):
    for part, workloads in (("client", CLIENT), ("server", SERVER)):
        for name in workloads:
            for tls in (0, 1):
                row = Row(part, name, tls, results)
                if row.figures:
                    yield row


def show(results, failures, missing):
    """Prints the table; ratios above 1 are better than what they are measured against."""
    print("| who | workload | limit | floor | gatewire | best peer | limit / gatewire | best peer / gatewire |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows(results):
        for ours in OURS:
            if ours in row.figures:
                print(row.line(ours))
    for key, why in sorted(failures.items()):
        print("\nno figure: %s: %s" % (key, why))
    if missing:
        print("\nleft out because it is not installed: %s" % ", ".join(missing))


def show_peers(results):
    """Prints every peer's figures."""
    for row in rows(results):
        figures = "  ".join("%s %s" % (peer, text(figure)) for peer, figure in sorted(row.figures.items(), key=lambda item: item[1]))
        print("%s %s %s:  %s" % (row.part, row.name, "wss" if row.tls else "ws", figures))
