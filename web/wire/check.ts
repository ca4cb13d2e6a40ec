import { byteLength, RefusedError } from './codec'
import {
  CodeTooLarge, MaxAttempt, MaxBodyBytes, MaxCandidateBytes, MaxChunkBytes, MaxChunks, MaxCodeBytes, MaxFetchers, MaxFlows, MaxHeadBytes, MaxICE,
  MaxLeaseParts, MaxLinkBytes, MaxNamed, MaxNameBytes, MaxNetworks, MaxQuestionBytes, MaxReasonBytes, MaxSDPBytes, MaxSessionBytes, MaxTokenBytes,
  MaxTrustBytes, MaxURLBytes, Version,
  type Heard,
} from './messages'
import { parseNetwork } from './candidate'

/** How long members may be, by their names: bytes of a text or document, members of a list. */
const limits: Record<string, number> = {
  candidate: MaxCandidateBytes, code: MaxCodeBytes, credential: MaxNameBytes, detail: MaxReasonBytes, document: MaxTrustBytes, fetchers: MaxFetchers,
  flows: MaxNamed, head: MaxHeadBytes, ice: MaxICE, ids: MaxFlows, key: 64, link: MaxLinkBytes, parts: MaxLeaseParts, paused_by: MaxReasonBytes,
  peers_on: MaxNetworks, question: MaxQuestionBytes, reason: MaxReasonBytes, refused: MaxReasonBytes, relay: MaxCodeBytes, sdp: MaxSDPBytes,
  session: MaxSessionBytes, signature: 128, site: MaxNameBytes, token: MaxTokenBytes, url: MaxURLBytes, urls: MaxICE, username: MaxNameBytes,
}

/** Members that name an endpoint, where they are texts. */
const endpoints = ['endpoint', 'fetcher', 'from', 'holder', 'peer', 'stand_by', 'to']

/** What else messages are held to; the twin of check.go. */
const checks: { [K in keyof Heard]?: (b: Heard[K]) => unknown } = {
  welcome: (b) => need(b.version >= 1 && b.version <= Version && b.session && b.endpoint && b.server_time),
  renew: (b) => need(!b.token || b.expires),
  trust: (b) => need(b.document),
  flow: (b) => need(b.head && ['high', 'normal', 'low'].includes(b.priority)),
  flows: (b) => need((b.peers_on ?? []).every(parseNetwork)),
  dial: (b) => need(b.peer && attempt(b.attempt, 1)),
  visiting: (b) => need(b.peer),
  hang_up: (b) => need(b.peer),
  signal(b) {
    need([b.offer, b.answer, b.candidate, b.refused].filter((step) => step).length === 1)
    for (const d of [b.offer, b.answer]) need(!d || d.sdp)
    need(b.link && b.to && attempt(b.attempt ?? 0, 0))
  },
  lease(b) {
    need(b.from >= 0 && b.to > b.from && b.ttl_ms > 0 && b.url)
    const parts = b.parts ?? []
    if (b.body) return need(parts.length === 0 && b.to <= MaxBodyBytes)
    need(parts.every((p) => p.n > 0 && p.n <= MaxChunkBytes && p.c < MaxChunks && (p.e ?? 0) <= 1))
    need(parts.reduce((sum, p) => sum + (p.s ?? 0) + p.n, 0) === b.to - b.from)
  },
  govern: (b) => need(b.bound >= -1),
  grant: (b) => need(Math.min(b.bytes_per_second, b.site, b.floor) >= -1),
  examine: (b) => need(b.question && b.peer),
  error: (b) => need(b.code),
}

/** Throws what is wrong with a body: a RefusedError, or a plain error for what is `protocol`. */
export function check<K extends keyof Heard>(kind: K, body: Heard[K]): void {
  measure(kind, body)
  checks[kind]?.(body)
}

/** Holds a member to its limit, and all that is in it: what `urls` lists is a `url`. */
function measure(name: string, value: unknown): void {
  if (typeof value === 'string' && value && endpoints.includes(name)) need(/^[a-z2-7]{32}$/.test(value))
  if (typeof value !== 'object') return bound(name, byteLength(typeof value === 'string' ? value : ''))
  if (Array.isArray(value)) {
    bound(name, value.length)
    for (const one of value) measure(name.slice(0, -1), one)
  } else if (name === 'head' || name === 'document') {
    bound(name, byteLength(JSON.stringify(value)))
  } else if (value instanceof Uint8Array) {
    bound(name, value.length)
  } else {
    for (const [member, one] of Object.entries(value!)) measure(member, one)
  }
}

function bound(name: string, length: number): void {
  if (length > (limits[name] ?? Infinity)) throw new RefusedError(CodeTooLarge, `${name} of ${length}, limit ${limits[name]}`)
}

function need(ok: unknown): void {
  if (!ok) throw new Error('a member is missing, or out of range')
}

const attempt = (n: number, least: number): boolean => n >= least && n <= MaxAttempt
