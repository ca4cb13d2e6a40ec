import { byteLength, RefusedError } from './codec'
import {
  CodeTooLarge, DelayBuckets, MaxActivated, MaxAttempt, MaxAttempts, MaxBodyBytes, MaxCandidateBytes, MaxChunkBytes, MaxChunks, MaxCodeBytes, MaxDictionaryChunks,
  MaxFetchers, MaxFlows, MaxNamed, MaxHeadBytes, MaxICE, MaxKeeping, MaxLeaseParts, MaxLeaseStates, MaxLinkBytes, MaxNameBytes, MaxNetworks,
  MaxQuestionBytes, MaxReasonBytes, MaxReflectors, MaxSDPBytes, MaxSeen, MaxSessionBytes, MaxSubnets, MaxTokenBytes, MaxTrustBytes,
  MaxURLBytes, PaceKeyBytes, Version,
  type Addresses, type Bodies, type ICE, type Kind, type Lease, type Line, type Patch, type Progress, type Signal,
} from './messages'
import { parseNetwork } from './candidate'
import { checkName, checkVersion } from './names'

/** Limits that a message is held to beyond the types of its members; the twin of check.go. */
const checks: { [K in Kind]?: (b: Bodies[K]) => void } = {
  hello(b) {
    need(b.version >= 1, 'a number is out of range')
    need(['', 'agent', 'kiosk', 'browser'].includes(b.device ?? ''), 'a name is not known')
    count('subnets', b.subnets, MaxSubnets)
    for (const s of b.subnets ?? []) need(parseNetwork(s) !== null, 'no prefix')
    size('session', b.session, MaxSessionBytes)
    size('software', b.software, MaxNameBytes)
    size('name', b.name, MaxNameBytes)
  },
  welcome(b) {
    need(b.version >= 1 && b.version <= Version, 'version is not spoken here')
    need(b.session !== '' && b.server_time !== '', 'a member is missing')
    size('session', b.session, MaxSessionBytes)
    size('site', b.site, MaxNameBytes)
    endpoint(b.endpoint)
    ice(b.ice)
  },
  renew(b) {
    need(!b.token || !!b.expires, 'a member is missing')
    size('token', b.token, MaxTokenBytes)
    ice(b.ice)
  },
  trust: (b) => envelope('trust document', b.document, MaxTrustBytes),
  flow(b) {
    need(['high', 'normal', 'low'].includes(b.priority), 'a name is not known')
    envelope('head', b.head, MaxHeadBytes)
    size('paused_by', b.paused_by, MaxReasonBytes)
    size('relay', b.relay, MaxCodeBytes)
  },
  flows(b) {
    count('flows', b.ids, MaxFlows)
    count('pins', b.pins, MaxKeeping)
    count('purges', b.purges, MaxKeeping)
    count('copies', b.copies, MaxKeeping)
    count('networks', b.peers_on, MaxNetworks)
    size('zone', b.zone, MaxNameBytes)
    for (const p of b.peers_on ?? []) need(parseNetwork(p) !== null, 'no prefix')
    for (const p of b.pins ?? []) reference(p.content, p.version)
    for (const p of b.purges ?? []) {
      reference(p.content, p.version)
      size('why', p.why, MaxReasonBytes)
    }
    for (const c of b.copies ?? []) need([c.target, c.others].every((n) => n >= 0 && n <= MaxFlows), 'a number is out of range')
  },
  stock(b) {
    need([b.room, b.free ?? 0].every((n) => n >= 0), 'a number is out of range')
    count('versions', b.holds, MaxFlows)
    count('spare versions', b.spare, MaxKeeping)
    for (const v of b.spare ?? []) {
      checkName(v.content)
      checkVersion(v.version)
    }
    const a = b.activation
    if (!a) return
    checkName(a.content)
    count('versions', a.history, MaxActivated)
    for (const { version, from, outcome, reason } of [{ ...a, version: a.version || '0', from: a.staged, outcome: a.state }, ...(a.history ?? [])]) {
      need(outcome !== '', 'a member is missing')
      size('code', outcome, MaxCodeBytes)
      size('reason', reason, MaxReasonBytes)
      checkVersion(version)
      if (from) checkVersion(from)
    }
  },
  dial(b) {
    need(b.attempt >= 1, 'a number is out of range')
    endpoint(b.peer)
    attempt(b.attempt)
    count('flows of a visitor', b.visitor?.flows, MaxNamed)
  },
  visiting(b) {
    endpoint(b.peer)
    count('flows of a visitor', b.flows, MaxNamed)
  },
  hang_up: (b) => endpoint(b.peer),
  signal: (b) => signal(b),
  linked(b) {
    endpoint(b.peer)
    attempt(b.attempt)
    size('reason', b.reason, MaxReasonBytes)
  },
  lease: (b) => lease(b),
  revoke: (b) => size('reason', b.reason, MaxReasonBytes),
  govern(b) {
    rate(b.bound)
    for (const id of b.fetchers ?? []) endpoint(id)
    for (const r of b.reflectors ?? []) size('reflector', r, MaxNameBytes)
    peer(b.holder)
    peer(b.stand_by)
    count('fetchers', b.fetchers, MaxFetchers)
    count('reflectors', b.reflectors, MaxReflectors)
    line(b.line)
  },
  grant(b) {
    peer(b.from)
    peer(b.to)
    for (const r of [b.bytes_per_second, b.site, b.floor]) rate(r)
  },
  taken(b) {
    peer(b.from)
    peer(b.to)
  },
  pace(b) {
    need(byteLength(b.key) === PaceKeyBytes, 'a number is out of range')
    rate(b.bytes_per_second)
  },
  governed(b) {
    need(b.receipt.active_ms >= 0 && b.receipt.yield_ms >= 0, 'a number is out of range')
    rate(b.rate)
    line(b.line)
    count('buckets', b.receipt.added, DelayBuckets)
    size('state', b.state, MaxCodeBytes)
    size('reason', b.reason, MaxReasonBytes)
  },
  progress: (b) => progress(b),
  examine(b) {
    question(b.question)
    endpoint(b.peer)
  },
  examined(b) {
    question(b.question)
    endpoint(b.peer)
    count('attempts', b.attempts, MaxAttempts)
    for (const a of b.attempts ?? []) {
      need(a.attempt >= 0 && a.ago_ms >= 0, 'a number is out of range')
      addresses(a.own)
      addresses(a.theirs)
      size('ended', a.ended, MaxReasonBytes)
      size('via', a.via, MaxCodeBytes)
    }
  },
  report(b) {
    need(b.code !== '', 'a member is missing')
    peer(b.peer)
    size('code', b.code, MaxCodeBytes)
    size('detail', b.detail, MaxReasonBytes)
  },
  error(b) {
    need(b.code !== '', 'a member is missing')
    size('code', b.code, MaxCodeBytes)
    size('detail', b.detail, MaxReasonBytes)
  },
}

/** Throws what is wrong with a body: a RefusedError, or a plain error for what is `protocol`. */
export function check(kind: Kind, body: unknown): void {
  ;(checks[kind] as ((b: unknown) => void) | undefined)?.(body)
}

const id = /^[a-z2-7]{32}$/

function need(ok: boolean, why: string): void {
  if (!ok) throw new Error(why)
}

function tooLarge(what: string, n: number, limit: number): void {
  if (n > limit) throw new RefusedError(CodeTooLarge, `${n} ${what}, limit ${limit}`)
}

function size(what: string, s: string | undefined, limit: number): void {
  tooLarge(`bytes of ${what}`, byteLength(s ?? ''), limit)
}

function count(what: string, list: unknown[] | undefined, limit: number): void {
  tooLarge(what, list?.length ?? 0, limit)
}

function endpoint(e: string): void {
  need(id.test(e), `endpoint id ${e.slice(0, 40)} is none`)
}

function peer(e: string | undefined): void {
  if (e) endpoint(e)
}

function attempt(n: number | undefined): void {
  need((n ?? 0) >= 0 && (n ?? 0) <= MaxAttempt, 'a number is out of range')
}

function rate(r: number): void {
  need(r >= -1, 'a number is out of range')
}

function question(q: string): void {
  need(q !== '', 'a member is missing')
  size('question', q, MaxQuestionBytes)
}

function envelope(what: string, doc: unknown, limit: number): void {
  need(typeof doc === 'object' && doc !== null, `${what} is needed, as an object`)
  size(what, JSON.stringify(doc), limit)
}

/** The name of a content, or of one version of it. */
function reference(content: string, version?: string): void {
  checkName(content)
  if (version) checkVersion(version)
}

function ice(servers: ICE[] | undefined): void {
  count('ICE servers', servers, MaxICE)
  for (const s of servers ?? []) {
    count('ICE URLs', s.urls, MaxICE)
    size('username', s.username, MaxNameBytes)
    size('credential', s.credential, MaxNameBytes)
    for (const u of s.urls) size('ICE URL', u, MaxURLBytes)
  }
}

function line(l: Line | undefined): void {
  if (!l) return
  need((l.busy ?? 0) >= 0 && (l.busy ?? 0) <= 1, 'a number is out of range')
  const base = Object.entries(l.base ?? {})
  count('base delays', base, MaxReflectors)
  for (const [reflector, us] of base) {
    need(us >= 0, 'a number is out of range')
    size('reflector', reflector, MaxNameBytes)
  }
  rate(l.capacity ?? 0)
}

function addresses(a: Addresses): void {
  const counts = [a.host, a.reflexive, a.relay, a.hidden, a.refused]
  need(counts.every((n) => (n ?? 0) >= 0 && (n ?? 0) <= MaxSeen), 'a number is out of range')
}

function signal(s: Signal): void {
  let set = 0
  for (const d of [s.offer, s.answer]) {
    if (!d) continue
    set++
    need(d.sdp !== '', 'a member is missing')
    size('session description', d.sdp, MaxSDPBytes)
    tooLarge('bytes of key', d.statement.key?.length ?? 0, 64)
    tooLarge('bytes of signature', d.statement.signature?.length ?? 0, 128)
  }
  for (const t of [s.candidate, s.refused]) if (t) set++
  need(set === 1, 'a member is missing')
  need(s.link !== '', 'a member is missing')
  peer(s.from)
  endpoint(s.to)
  size('link', s.link, MaxLinkBytes)
  count('flows of a visitor', s.visitor?.flows, MaxNamed)
  attempt(s.attempt)
  size('candidate', s.candidate, MaxCandidateBytes)
  size('refused', s.refused, MaxReasonBytes)
}

function lease(l: Lease): void {
  need(l.from >= 0 && l.to > l.from && l.ttl_ms > 0, 'a number is out of range')
  need(l.url !== '', 'a member is missing')
  count('parts', l.parts, MaxLeaseParts)
  size('url', l.url, MaxURLBytes)
  if (l.body) return need(!l.parts?.length && !l.patch && l.to <= MaxBodyBytes, 'a number is out of range')
  let sum = 0
  for (const p of l.parts ?? []) {
    need(p.n > 0 && p.n <= MaxChunkBytes && p.c < MaxChunks && (p.e ?? 0) <= 1, 'a number is out of range')
    sum += (p.s ?? 0) + p.n
  }
  need(sum === l.to - l.from, `parts of ${sum} bytes in a range of ${l.to - l.from}`)
  if (l.patch) patch(l.patch, l.parts?.length ?? 0)
}

function patch(p: Patch, parts: number): void {
  need(p.from >= 0 && p.to > p.from && p.url !== '' && p.parts.length === parts, 'a number is out of range')
  size('url of patches', p.url, MaxURLBytes)
  let sum = 0
  for (const { n, e = 0, s = 0, f = 0, k = 0 } of p.parts) {
    need(n > 0 && n <= MaxChunkBytes && e <= 2 && (e === 2) === k > 0 && k <= MaxDictionaryChunks && f < MaxChunks, 'a number is out of range')
    sum += s + n
  }
  need(sum === p.to - p.from, `patches of ${sum} bytes in a range of ${p.to - p.from}`)
}

function progress(p: Progress): void {
  need([p.bytes.origin, p.bytes.peer, p.bytes.relay, p.bytes.reused, p.wan_bytes].every((n) => (n ?? 0) >= 0), 'a number is out of range')
  for (const b of p.have ?? []) need(b.from % 8 === 0 && b.from + 8 * b.bits.length <= MaxChunks, 'a number is out of range')
  count('leases', p.leases, MaxLeaseStates)
  for (const l of p.leases ?? []) {
    need(Math.max(l.verified ?? 0, l.patched ?? 0) <= MaxLeaseParts, 'a number is out of range')
    const r = l.range
    if (r) need(r.from >= 0 && r.to > r.from, 'a number is out of range')
    size('failed', l.failed, MaxReasonBytes)
  }
  size('error', p.error, MaxReasonBytes)
  size('code', p.code, MaxCodeBytes)
}
