// swift-tools-version: 6.2
import PackageDescription

// The same sources are built three ways, chosen by GATEWIRE_BUILD:
//   embedded   the library that is shipped and the tool, in Embedded Swift: no Swift runtime to carry
//   static     the fallback library and tool, with the Swift runtime linked in
//   (unset)    normal Swift for the unit tests, which cannot import embedded modules
let build = Context.environment["GATEWIRE_BUILD"] ?? ""
let embedded = build == "embedded"
let root = Context.packageDirectory

// Every C module, also those behind Foundation, must see the same system types, whichever target reads it first.
let gnuSource = ["-Xcc", "-D_GNU_SOURCE"]

// Sections of their own let the linker drop what nothing uses: half of the library's size.
let settings: [SwiftSetting] =
    [
        .unsafeFlags(gnuSource),
        .unsafeFlags(
            ["-enforce-exclusivity=unchecked", "-Xfrontend", "-function-sections"], .when(configuration: .release)),
    ]
    + (embedded ? [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo"])] : [])

/// A layer of ours: what it may import is what stands here, and the build holds it to that.
func layer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies,
        swiftSettings: [.unsafeFlags(gnuSource)])
}

let abiDependencies: [Target.Dependency] = [
    "GWBase", "GWDeflate", "GWHTTP", "GWJSON", "GWRoute", "GWTLS", "GWWebSocket", "GWGateway", "GWSocketIO",
    "GWRuntime", "CGatewire",
]

let package = Package(
    name: "gatewire",
    targets: [
        // C
        .target(name: "CSystem"),
        .target(name: "CUTF8"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib"),
        .systemLibrary(name: "CGatewire", path: "include"),
        .systemLibrary(name: "CJSON"),

        // pure codecs and machines
        layer("GWBase", ["CUTF8"]),
        layer("GWJSON", ["GWBase", "CJSON"]),
        layer("GWHTTP", ["GWBase"]),
        layer("GWRoute", ["GWBase", "GWHTTP"]),
        layer("GWDeflate", ["GWBase", "CZlib"]),
        layer("GWWebSocket", ["GWBase", "GWHTTP", "GWDeflate"]),
        layer("GWTLS", ["GWBase", "COpenSSL"]),
        layer("GWGateway", ["GWBase", "GWJSON"]),
        layer("GWSocketIO", ["GWBase", "GWJSON", "GWHTTP"]),

        // the world
        layer(
            "GWRuntime",
            [
                "GWBase", "GWJSON", "GWHTTP", "GWRoute", "GWDeflate", "GWWebSocket", "GWTLS", "GWGateway",
                "GWSocketIO", "CSystem",
            ]),
    ]
)

if build.isEmpty {
    package.targets += [
        tests("GWBase", []),
        tests("GWJSON", ["GWBase"]),
        tests("GWHTTP", ["GWBase"]),
        tests("GWRoute", ["GWBase", "GWHTTP"]),
        tests("GWDeflate", ["GWBase"]),
        tests("GWWebSocket", ["GWBase", "GWHTTP", "GWDeflate"]),
        tests("GWTLS", ["GWBase"]),
        tests("GWGateway", ["GWBase", "GWJSON", "GWTLS"]),
        tests("GWSocketIO", ["GWBase", "GWJSON", "GWTLS"]),
        tests("GWRuntime", ["GWBase", "GWGateway"]),
    ]
} else {
    // The version script is made from the headers before; -z defs finds what embedded mode leaves undefined.
    let libraryFlags = [
        "-Xlinker", "--version-script=\(root)/build/gatewire.map", "-Xlinker", "--no-undefined-version",
        "-Xlinker", "-z", "-Xlinker", "defs", "-Xlinker", "-z", "-Xlinker", "nodelete",
        "-Xlinker", "-soname", "-Xlinker", "libgatewire.so.0",
    ]
    // The tool knows the library by its header alone and links the one that was built before.
    let toolFlags = ["-L\(root)/build", "-lgatewire", "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN"]
    let runtimeFlags = embedded ? ["-lm"] : ["-static-stdlib"]

    package.products += [
        .library(name: "gatewire", type: .dynamic, targets: ["GatewireABI"]),
        .executable(name: "gatewire-tool", targets: ["gatewire-tool"]),
        .executable(name: "gatewire-micro", targets: ["gatewire-micro"]),
    ]
    package.targets += [
        .target(
            name: "GatewireABI", dependencies: abiDependencies, swiftSettings: settings,
            linkerSettings: [
                .linkedLibrary("ssl"), .linkedLibrary("crypto"), .linkedLibrary("z"),
                .unsafeFlags(libraryFlags + runtimeFlags),
            ]),
        .target(name: "Allocations", path: "Tests/Bench/allocations"),
        .executableTarget(
            name: "gatewire-micro",
            dependencies: ["GWBase", "GWWebSocket", "GWDeflate", "CSystem", "CZlib", "Allocations"],
            path: "Tests/Bench/micro", swiftSettings: settings,
            linkerSettings: [.linkedLibrary("z"), .unsafeFlags(runtimeFlags)]),
        .executableTarget(
            name: "gatewire-tool", dependencies: ["CGatewire", "CSystem"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(toolFlags + runtimeFlags)]),
    ]
}
