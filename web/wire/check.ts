import { byteLength, RefusedError } from './codec'
import {
  CodeTooLarge, MaxAttempt, MaxBodyBytes, MaxCandidateBytes, MaxChunkBytes, MaxChunks, MaxCodeBytes, MaxFetchers, MaxFlows, MaxHeadBytes, MaxICE,
  MaxLeaseParts, MaxLinkBytes, MaxNamed, MaxNameBytes, MaxNetworks, MaxQuestionBytes, MaxReasonBytes, MaxSDPBytes, MaxSessionBytes, MaxTokenBytes,
  MaxTrustBytes, MaxURLBytes, Version,
  type Heard,
} from './messages'
import { parseNetwork } from './candidate'
import { need } from './read'

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
  welcome: (b) => b.version >= 1 && b.version <= Version && b.session && b.endpoint && b.server_time,
  renew: (b) => !b.token || b.expires,
  trust: (b) => b.document,
  flow: (b) => b.head && ['high', 'normal', 'low'].includes(b.priority),
  flows: (b) => (b.peers_on ?? []).every(parseNetwork),
  dial: (b) => b.peer && attempt(b.attempt, 1),
  visiting: (b) => b.peer,
  hang_up: (b) => b.peer,
  signal(b) {
    const steps = [b.offer, b.answer, b.candidate, b.refused].filter((step) => step).length
    return steps === 1 && [b.offer, b.answer].every((d) => !d || d.sdp) && b.link && b.to && attempt(b.attempt ?? 0, 0)
  },
  lease(b) {
    const parts = b.parts ?? []
    const sound = parts.every((p) => p.n > 0 && p.n <= MaxChunkBytes && p.c < MaxChunks && (p.e ?? 0) <= 1)
    const span = parts.reduce((sum, p) => sum + (p.s ?? 0) + p.n, 0)
    const filled = b.body ? parts.length === 0 && b.to <= MaxBodyBytes : sound && span === b.to - b.from
    return b.from >= 0 && b.to > b.from && b.ttl_ms > 0 && b.url && filled
  },
  govern: (b) => b.bound >= -1,
  grant: (b) => Math.min(b.bytes_per_second, b.site, b.floor) >= -1,
  examine: (b) => b.question && b.peer,
  error: (b) => b.code,
}

/** Throws what is wrong with a body: a RefusedError, or a plain error for what is `protocol`. */
export function check<K extends keyof Heard>(kind: K, body: Heard[K]): void {
  measure(kind, body)
  const sound = checks[kind]
  need(!sound || sound(body), `something in ${kind}`)
}

/** Holds a member to its limit, and all that is in it: what `urls` lists is a `url`. */
function measure(name: string, value: unknown): void {
  if (typeof value === 'string' && value && endpoints.includes(name)) need(/^[a-z2-7]{32}$/.test(value), name)
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

const attempt = (n: number, least: number): boolean => n >= least && n <= MaxAttempt
