/**
 * The shapes of what OpenClaw gateways answer and tell: names and types, no code.
 *
 *   import type { AgentsList } from 'gatewire/openclaw'
 *   const { agents } = await client.call<AgentsList>('agents.list', {})
 *
 * Members that some versions leave out are optional; gateways may add others.
 */

export interface Agent {
  id: string
  name?: string
  identity?: { name?: string, theme?: string, emoji?: string, avatar?: string, avatarUrl?: string }
  workspace?: string
  workspaceGit?: boolean
  model?: { primary?: string, fallbacks?: string[] }
  agentRuntime?: any
}

/** agents.list */
export interface AgentsList {
  defaultId: string
  mainKey: string
  scope: 'per-sender' | 'global'
  agents: Agent[]
}

/** A row of sessions.list.  Without activeRunIds nothing is known of runs. */
export interface Session {
  key: string
  kind: 'direct' | 'group' | 'global' | 'unknown'
  updatedAt: number | null
  label?: string
  displayName?: string
  derivedTitle?: string
  lastMessagePreview?: string
  channel?: string
  subject?: string
  chatType?: string
  sessionId?: string
  status?: 'running' | 'done' | 'failed' | 'killed' | 'timeout'
  hasActiveRun?: boolean
  activeRunIds?: string[]
  model?: string
  modelProvider?: string
  contextTokens?: number
  inputTokens?: number
  outputTokens?: number
  totalTokens?: number
  thinkingLevel?: string
  parentSessionKey?: string
  childSessions?: any[]
  archived?: boolean
  pinned?: boolean
  unread?: any
}

/** sessions.list */
export interface SessionsList {
  ts: number
  path: string
  count: number
  defaults: { modelProvider?: string | null, model?: string | null, contextTokens?: number | null }
  sessions: Session[]
  totalCount?: number
  limitApplied?: number
  offset?: number
  /** null at the end. */
  nextOffset?: number | null
  hasMore?: boolean
}

/** The event sessions.changed, with members of the session's row beside these. */
export interface SessionsChanged {
  sessionKey?: string
  agentId?: string
  reason?: string
  phase?: string
  ts?: number
  messageId?: string
  messageSeq?: number
  label?: string | null
  displayName?: string | null
  thinkingLevel?: string | null
  /** Absent for no change, null to clear, an array to replace. */
  activeRunIds?: string[] | null
  [member: string]: any
}

/** Somebody who is connected; system-presence answers with an array of them. */
export interface PresenceEntry {
  ts: number
  host?: string
  ip?: string
  version?: string
  platform?: string
  deviceFamily?: string
  modelIdentifier?: string
  mode?: string
  reason?: string
  lastInputSeconds?: number
  tags?: string[]
  text?: string
  deviceId?: string
  roles?: string[]
  scopes?: string[]
  instanceId?: string
}

/** The event presence: all who are connected. */
export interface Presence {
  presence: PresenceEntry[]
}

/** health, and the event of that name. */
export interface Health {
  ok: boolean
  ts: number
  durationMs: number
  channels?: Record<string, any>
  channelOrder?: string[]
  channelLabels?: Record<string, string>
  heartbeatSeconds?: number
  defaultAgentId?: string
  agents?: any[]
  sessions?: { path: string, count: number, recent: any[] }
  eventLoop?: any
  plugins?: any
}

export interface Message {
  role?: string
  content?: Array<{ type?: string, text?: string, [member: string]: any }>
  timestamp?: number
}

/** chat.send; runId is the idempotency key. */
export interface ChatSend {
  runId: string
  status: string
}

/** chat.abort */
export interface ChatAbort {
  ok: boolean
  aborted: boolean
  runIds: string[]
}

/** chat.history */
export interface ChatHistory {
  sessionKey: string
  messages: Message[]
  sessionId?: string
  thinkingLevel?: string
  fastMode?: boolean
  verboseLevel?: string
  offset?: number
  nextOffset?: number | null
  hasMore?: boolean
  totalMessages?: number
  completeSnapshot?: boolean
  defaults?: any
  sessionInfo?: any
  /** A run that goes on: what follows continues its text. */
  inFlightRun?: { runId: string, text: string }
}

interface ChatBase {
  runId: string
  sessionKey: string
  /** Counts within the run. */
  seq: number
  agentId?: string
  spawnedBy?: string
  message?: Message
}

/** The event chat.  A delta of protocol 4 has deltaText, which is appended or with replace takes the place of all; of protocol 3 message. */
export type Chat =
  | ChatBase & { state: 'delta', deltaText?: string, replace?: boolean }
  | ChatBase & { state: 'final', usage?: any, stopReason?: string, yielded?: boolean }
  | ChatBase & { state: 'aborted', errorMessage?: string, stopReason?: string }
  | ChatBase & {
    state: 'error'
    errorMessage?: string
    errorKind?: 'refusal' | 'timeout' | 'rate_limit' | 'context_length' | 'unknown'
  }
