// swift-tools-version: 6.2
import PackageDescription

// Two builds of the same sources:
//   GATEWIRE_EMBEDDED=1   Embedded Swift: the library that is shipped; tests cannot import it
//   otherwise             normal Swift: the unit tests, and the fallback library (static Swift runtime)
// GATEWIRE_TOOL=1 adds the tool, which links the library that was built before.
let embedded = Context.environment["GATEWIRE_EMBEDDED"] == "1"
let root = Context.packageDirectory

let settings: [SwiftSetting] =
    [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
    + (embedded ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])] : [])

// What the shared library is linked with; scripts/version-script.sh makes the version script from the headers.
let libraryLinking: [LinkerSetting] = [
    .linkedLibrary("ssl"), .linkedLibrary("crypto"), .linkedLibrary("z"), .linkedLibrary("m"),
    .unsafeFlags([
        "-Xlinker", "--version-script=\(root)/build/gatewire.map",
        "-Xlinker", "--no-undefined-version",
        "-Xlinker", "-z", "-Xlinker", "defs",
        "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-soname", "-Xlinker", "libgatewire.so.0",
    ]),
    .unsafeFlags(embedded ? [] : ["-static-stdlib"]),
]

/// A layer of ours: what it may import is what stands here, and the build holds it to that.
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies)
}

let package = Package(
    name: "gatewire",
    products: [
        .library(name: "gatewire", type: .dynamic, targets: ["GatewireABI"]),
    ],
    targets: [
        // C
        .target(name: "CSystem"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CGatewire", path: "include"),

        // pure codecs and machines
        layer("GWBase", []),
        layer("GWJSON", ["GWBase"]),
        layer("GWHTTP", ["GWBase"]),
        layer("GWDeflate", ["GWBase", "CZlib"]),
        layer("GWWebSocket", ["GWBase", "GWHTTP", "GWDeflate"]),
        layer("GWTLS", ["GWBase", "COpenSSL"]),
        layer("GWGateway", ["GWBase", "GWJSON"]),

        // the world
        layer(
            "GWRuntime",
            ["GWBase", "GWJSON", "GWHTTP", "GWDeflate", "GWWebSocket", "GWTLS", "GWGateway", "CSystem"]),
        .target(
            name: "GatewireABI", dependencies: ["GWBase", "GWRuntime", "CGatewire"], swiftSettings: settings,
            linkerSettings: libraryLinking),

        tests("GWBase", []),
        tests("GWJSON", ["GWBase"]),
        tests("GWHTTP", ["GWBase"]),
        tests("GWDeflate", ["GWBase"]),
        tests("GWWebSocket", ["GWBase", "GWHTTP", "GWDeflate"]),
        tests("GWTLS", ["GWBase"]),
        tests("GWGateway", ["GWBase", "GWJSON", "GWTLS"]),
        tests("GWRuntime", ["GWBase", "GWGateway"]),
    ]
)

if Context.environment["GATEWIRE_TOOL"] == "1" {
    package.products.append(.executable(name: "gatewire-tool", targets: ["gatewire-tool"]))
    package.targets.append(
        .executableTarget(
            name: "gatewire-tool", dependencies: ["CGatewire", "CSystem"], swiftSettings: settings,
            linkerSettings: [
                .unsafeFlags(["-L\(root)/build", "-lgatewire", "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN"]),
                .unsafeFlags(embedded ? [] : ["-static-stdlib"]),
            ]))
}
