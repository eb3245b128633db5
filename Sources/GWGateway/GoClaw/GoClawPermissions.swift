import GWBase

/// Roles by their level.
public enum GoClawRole: UInt8, Comparable, Sendable {
    case viewer = 1
    case `operator` = 2
    case admin = 3
    case owner = 4

    public static func < (left: GoClawRole, right: GoClawRole) -> Bool { left.rawValue < right.rawValue }

    public var name: StaticString {
        switch self {
        case .viewer: "viewer"
        case .operator: "operator"
        case .admin: "admin"
        case .owner: "owner"
        }
    }

    /// The role of an API key with these scopes.
    public init(scopes: [[UInt8]]) {
        if scopes.contains(where: { isEqual("operator.admin", $0) }) {
            self = .admin
        } else if scopes.contains(where: {
            isEqual("operator.write", $0) || isEqual("operator.approvals", $0) || isEqual("operator.pairing", $0)
        }) {
            self = .operator
        } else {
            self = .viewer
        }
    }
}

/// Which role a method needs.
public enum GoClawPermissions {
    public enum Need {
        /// Everybody who is authenticated.
        case nobody
        case role(GoClawRole)
        /// In no class: no such method is known.
        case unknown
    }

    public static func need(_ method: [UInt8]) -> Need {
        if contains(everybody, method) { return .nobody }
        if contains(viewer, method) { return .role(.viewer) }
        if contains(`operator`, method) { return .role(.operator) }
        if contains(admin, method) { return .role(.admin) }
        return .unknown
    }

    private static func contains(_ list: StaticString, _ method: [UInt8]) -> Bool {
        guard !method.isEmpty, !method.contains(0x20) else { return false }
        let bytes = UnsafeBufferPointer(start: list.utf8Start, count: list.utf8CodeUnitCount)
        return bytes.split(separator: 0x20).contains { $0.elementsEqual(method) }
    }

    // One text a class, in place of an array that would be built anew at each look.
    private static let everybody: StaticString = "connect health status browser.pairing.status"

    private static let viewer: StaticString = """
        agent agent.wait agent.identity.get chat.history chat.session.status agents.list agents.files.list \
        agents.files.get agents.links.list sessions.list sessions.preview run.timeline.get skills.list skills.get \
        cron.list cron.status cron.runs channels.list channels.status channels.instances.list channels.instances.get \
        usage.get usage.summary quota.usage heartbeat.get heartbeat.logs heartbeat.checklist.get heartbeat.targets \
        voices.list tenants.list tenants.get tenants.users.list tenants.mine teams.list teams.get teams.tasks.list \
        teams.tasks.get teams.tasks.get-light teams.tasks.comments teams.tasks.events teams.tasks.active-by-session \
        teams.workspace.list teams.workspace.read teams.events.list teams.known_users teams.scopes hooks.list \
        hooks.history exec.approval.list tts.status tts.providers browser.snapshot browser.screenshot \
        workstations.list workstations.get
        """

    private static let `operator`: StaticString = """
        chat.send chat.abort chat.inject sessions.delete sessions.reset sessions.patch sessions.compact cron.create \
        cron.update cron.delete cron.toggle cron.run send agents.files.set teams.tasks.approve teams.tasks.reject \
        teams.tasks.comment teams.tasks.create teams.tasks.assign teams.workspace.delete hooks.test \
        device.pair.request exec.approval.approve exec.approval.deny tts.convert browser.act zalo.personal.qr.start \
        whatsapp.qr.start workstations.testConnection
        """

    private static let admin: StaticString = """
        config.get config.apply config.patch config.schema config.defaults config.permissions.list \
        config.permissions.check config.permissions.grant config.permissions.revoke chat_behavior.preview \
        agents.create agents.update agents.delete agents.links.create agents.links.update agents.links.delete \
        channels.toggle channels.instances.create channels.instances.update channels.instances.delete \
        bitrix.portals.create bitrix.portals.delete device.pair.approve device.pair.deny device.pair.list \
        device.pair.revoke teams.create teams.delete teams.update teams.members.add teams.members.remove \
        teams.tasks.delete teams.tasks.delete-bulk tenants.create tenants.update tenants.users.add \
        tenants.users.remove api_keys.list api_keys.create api_keys.revoke skills.update heartbeat.set \
        heartbeat.toggle heartbeat.test heartbeat.checklist.set logs.tail hooks.create hooks.update hooks.delete \
        hooks.toggle voices.refresh tts.enable tts.disable tts.setProvider workstations.create workstations.update \
        workstations.delete
        """
}
