"""The shapes of what OpenClaw gateways answer and tell, for type checkers: names and types, no code.

>>> agents: openclaw.AgentsList = await client.call("agents.list", {})
>>> for agent in agents["agents"]:
...     print(agent["id"], agent.get("name"))

Members that some versions leave out are optional, so read them with ``get``; gateways may add others.
"""

from __future__ import annotations

from typing import Any, Literal, Optional, TypedDict, Union

# --- agents.list ---


class AgentIdentity(TypedDict, total=False):
    """How an agent shows itself."""

    name: str
    theme: str
    emoji: str
    avatar: str
    avatarUrl: str


class AgentModel(TypedDict, total=False):
    primary: str
    fallbacks: list[str]


class _Agent(TypedDict):
    id: str


class Agent(_Agent, total=False):
    """One of ``agents.list``."""

    name: str
    identity: AgentIdentity
    workspace: str
    workspaceGit: bool
    model: AgentModel
    agentRuntime: Any


class AgentsList(TypedDict):
    """The answer to ``agents.list``."""

    defaultId: str
    mainKey: str
    scope: Literal["per-sender", "global"]
    agents: list[Agent]


# --- sessions.list, sessions.changed ---


class _Session(TypedDict):
    key: str
    kind: Literal["direct", "group", "global", "unknown"]
    updatedAt: Optional[int]


class Session(_Session, total=False):
    """One of ``sessions.list``.  Without ``activeRunIds`` nothing is known of runs."""

    label: str
    displayName: str
    derivedTitle: str
    lastMessagePreview: str
    channel: str
    subject: str
    chatType: str
    sessionId: str
    status: Literal["running", "done", "failed", "killed", "timeout"]
    hasActiveRun: bool
    activeRunIds: list[str]
    model: str
    modelProvider: str
    contextTokens: int
    inputTokens: int
    outputTokens: int
    totalTokens: int
    thinkingLevel: str
    parentSessionKey: str
    childSessions: list[Any]
    archived: bool
    pinned: bool
    unread: Any


class SessionDefaults(TypedDict, total=False):
    modelProvider: Optional[str]
    model: Optional[str]
    contextTokens: Optional[int]


class _SessionsList(TypedDict):
    ts: int
    path: str
    count: int
    defaults: SessionDefaults
    sessions: list[Session]


class SessionsList(_SessionsList, total=False):
    """The answer to ``sessions.list``; ``nextOffset`` is ``None`` at the end."""

    totalCount: int
    limitApplied: int
    offset: int
    nextOffset: Optional[int]
    hasMore: bool


class SessionsChanged(TypedDict, total=False):
    """The event ``sessions.changed``, with members of the session's row beside these.

    ``activeRunIds``: absent for no change, ``None`` to clear, a list to replace.
    """

    sessionKey: str
    agentId: str
    reason: str
    phase: str
    ts: int
    messageId: str
    messageSeq: int
    label: Optional[str]
    displayName: Optional[str]
    thinkingLevel: Optional[str]
    activeRunIds: Optional[list[str]]


# --- system-presence, presence ---


class _PresenceEntry(TypedDict):
    ts: int


class PresenceEntry(_PresenceEntry, total=False):
    """Somebody who is connected; ``system-presence`` answers with a list of them."""

    host: str
    ip: str
    version: str
    platform: str
    deviceFamily: str
    modelIdentifier: str
    mode: str
    reason: str
    lastInputSeconds: int
    tags: list[str]
    text: str
    deviceId: str
    roles: list[str]
    scopes: list[str]
    instanceId: str


class Presence(TypedDict):
    """The event ``presence``: all who are connected."""

    presence: list[PresenceEntry]


# --- health ---


class HealthSessions(TypedDict):
    path: str
    count: int
    recent: list[Any]


class _Health(TypedDict):
    ok: bool
    ts: int
    durationMs: int


class Health(_Health, total=False):
    """The answer to ``health`` and the event of that name."""

    channels: dict[str, Any]
    channelOrder: list[str]
    channelLabels: dict[str, str]
    heartbeatSeconds: int
    defaultAgentId: str
    agents: list[Any]
    sessions: HealthSessions
    eventLoop: Any
    plugins: Any


# --- chat ---


class MessagePart(TypedDict, total=False):
    type: str
    text: str


class Message(TypedDict, total=False):
    """A message of a chat."""

    role: str
    content: list[MessagePart]
    timestamp: int


class ChatSend(TypedDict):
    """The answer to ``chat.send``; ``runId`` is the idempotency key."""

    runId: str
    status: str


class ChatAbort(TypedDict):
    """The answer to ``chat.abort``."""

    ok: bool
    aborted: bool
    runIds: list[str]


class InFlightRun(TypedDict):
    """A run that goes on: what follows continues its text."""

    runId: str
    text: str


class _ChatHistory(TypedDict):
    sessionKey: str
    messages: list[Message]


class ChatHistory(_ChatHistory, total=False):
    """The answer to ``chat.history``."""

    sessionId: str
    thinkingLevel: str
    fastMode: bool
    verboseLevel: str
    offset: int
    nextOffset: Optional[int]
    hasMore: bool
    totalMessages: int
    completeSnapshot: bool
    defaults: Any
    sessionInfo: Any
    inFlightRun: InFlightRun


class _Chat(TypedDict):
    runId: str
    sessionKey: str
    seq: int


class _ChatOptional(_Chat, total=False):
    agentId: str
    spawnedBy: str


class _ChatDelta(_ChatOptional):
    state: Literal["delta"]


class ChatDelta(_ChatDelta, total=False):
    """More of an answer: ``deltaText`` is appended, or with ``replace`` takes the place of all.

    Gateways of protocol 3 have only ``message``, which is all of it so far.
    """

    deltaText: str
    replace: bool
    message: Message


class _ChatFinal(_ChatOptional):
    state: Literal["final"]


class ChatFinal(_ChatFinal, total=False):
    message: Message
    usage: Any
    stopReason: str
    yielded: bool


class _ChatAborted(_ChatOptional):
    state: Literal["aborted"]


class ChatAborted(_ChatAborted, total=False):
    message: Message
    errorMessage: str
    stopReason: str


class _ChatError(_ChatOptional):
    state: Literal["error"]


class ChatError(_ChatError, total=False):
    errorMessage: str
    errorKind: Literal["refusal", "timeout", "rate_limit", "context_length", "unknown"]
    message: Message


#: the event ``chat``; ``seq`` counts within the run
Chat = Union[ChatDelta, ChatFinal, ChatAborted, ChatError]
