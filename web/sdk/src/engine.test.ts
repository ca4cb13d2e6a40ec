import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Heard, Lease, Said } from '../../wire/messages'
import { sha256, sha256Hex, toBase64, utf8, concat, type Bytes } from './encoding'
import { Engine } from './engine'
import { headType, trustType } from './envelope'
import { Link, type Channel } from './link'
import { Store } from './store'
import { Trust } from './trust'

const chunk = 40_000
const chunks = 24

/** A signed content of random bytes, and the trust document that makes it true. */
async function published() {
  const content = new Uint8Array(chunk * chunks)
  for (let at = 0; at < content.length; at += 65536) crypto.getRandomValues(content.subarray(at, at + 65536))
  const digests = await Promise.all(Array.from({ length: chunks }, (_, i) => sha256(content.subarray(i * chunk, (i + 1) * chunk))))
  const body = bodyOf(digests, content.length)
  const head = {
    name: 'app', version: '1', serial: 1, created: '2026-11-27T00:00:00Z', kind: 'file', bytes: content.length, unique_bytes: content.length, chunks,
    body: await sha256Hex(body), body_bytes: body.length,
  }
  const [rootKey, root] = await keyPair()
  const [key, publicKey] = await keyPair()
  const doc = { serial: 1, created: '2026-11-27T00:00:00Z', publishers: [{ key: toBase64(publicKey), name: 'shop', prefixes: [''] }] }
  const envelope = await seal(headType, head, key)
  const payload = utf8(JSON.stringify(head))
  const id = (await sha256Hex(payload)).slice(0, 32)
  return { content, body, envelope, id, root, trust: await Trust.open(await seal(trustType, doc, rootKey), root) }
}

async function keyPair(): Promise<[CryptoKey, Bytes]> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair
  return [pair.privateKey, new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))]
}

async function seal(kind: string, doc: unknown, key: CryptoKey) {
  const payload = utf8(JSON.stringify(doc))
  const sig = new Uint8Array(await crypto.subtle.sign('Ed25519', key, concat(utf8(`DSSEv1 ${kind.length} ${kind} ${payload.length} `), payload)))
  return { payloadType: kind, payload: toBase64(payload), signatures: [{ keyid: '', sig: toBase64(sig) }] }
}

function bodyOf(digests: Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const u32 = (...n: number[]) => Uint8Array.from(n.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]))
  const file = concat(Uint8Array.of(0), u32(0, bytes), Uint8Array.of(0, 3), utf8('app'))
  return concat(utf8('SCB'), Uint8Array.of(1), u32(digests.length, 1, 1), ...digests.flatMap((d) => [d, u32(chunk)]), u32(0, digests.length), file)
}

type Published = Awaited<ReturnType<typeof published>>

/** An engine with a server that listens, and says what it is told to say. */
async function endpoint(id: string, p: Published) {
  const said: { kind: keyof Said; body: unknown }[] = []
  const e = new Engine({
    server: new URL('https://server.example'), store: await Store.open(true, () => undefined), root: p.root, trust: p.trust,
    uplink: { send: (kind, body) => said.push({ kind, body }) > 0, now: () => Date.parse('2026-11-27T01:00:00Z'), connected: true },
    links: () => ({ dial: () => undefined, signal: () => undefined, hangUp: () => undefined, networks: () => undefined, servers: () => undefined }),
    changed: () => undefined, warn: () => undefined,
  })
  e.connected({ version: 1, session: 's', epoch: 1, endpoint: id, site: 'shop', server_time: '2026-11-27T01:00:00Z' })
  const tell = <K extends keyof Heard>(kind: K, body: Heard[K]) => e.heard({ kind, id: 0, ack: 0, body } as never)
  const order = async (paused = false) => {
    await tell('flow', { generation: 1, id: p.id, head: p.envelope, priority: 'normal', paused })
    await tell('flows', { generation: 1, ids: [p.id] })
  }
  running.push(e)
  return { id, e, said, tell, order, flow: () => e.flows.get(p.id)! }
}

const running: Engine[] = []
afterEach(() => {
  for (const e of running.splice(0)) e.stop()
  vi.unstubAllGlobals()
})

/** A channel whose messages arrive a task later. */
class Wire implements Channel {
  other!: Wire
  spoil = false
  bufferedAmount = 0
  bufferedAmountLowThreshold = 0
  readyState = 'open'
  onmessage: Channel['onmessage'] = null
  onbufferedamountlow: Channel['onbufferedamountlow'] = null
  onopen: Channel['onopen'] = null
  onclose: Channel['onclose'] = null
  send(b: Uint8Array<ArrayBuffer>): void {
    const copy = b.slice()
    if (this.spoil) copy[copy.length - 1]! ^= 1
    setImmediate(() => this.other.onmessage?.({ data: copy.buffer }))
  }
}

function connect(a: Awaited<ReturnType<typeof endpoint>>, b: Awaited<ReturnType<typeof endpoint>>) {
  const pair = () => {
    const [x, y] = [new Wire(), new Wire()]
    x.other = y
    y.other = x
    return [x, y] as const
  }
  const [ctlA, ctlB] = pair()
  const [bulkA, bulkB] = pair()
  const links: Link[] = []
  const close = () => links.forEach((l) => l.end('connection lost'))
  links.push(new Link(b.id, 1, ctlA, bulkA, a.e.exchange, close), new Link(a.id, 1, ctlB, bulkB, b.e.exchange, close))
  for (const l of links) l.prove(false)
  return { bulkA, bulkB, links }
}

/** Serves the content as one pack, for ranges. */
function stubOrigin(p: Published, spoil = false) {
  const requests: { from: number; to: number; pace: string }[] = []
  vi.stubGlobal('fetch', async (url: URL, init: { headers: Record<string, string> }) => {
    const object = url.pathname === '/bodies/x' ? p.body : p.content
    const [from, last] = /bytes=(\d+)-(\d+)/.exec(init.headers.Range!)!.slice(1).map(Number) as [number, number]
    requests.push({ from, to: last + 1, pace: init.headers['Sitecast-Pace'] ?? '' })
    const part = object.slice(from, last + 1)
    if (spoil) part[0]! ^= 1
    return new Response(part, { status: 206, headers: { 'Content-Range': `bytes ${from}-${last}/${object.length}` } })
  })
  const lease = (n: number, body: boolean): Lease => ({
    flow: p.id, epoch: 1, lease: n, body, pack: '0'.repeat(64), url: body ? '/bodies/x' : '/packs/x', from: 0, to: body ? p.body.length : p.content.length,
    parts: body ? [] : Array.from({ length: chunks }, (_, c) => ({ c, n: chunk })), ttl_ms: 20_000,
  })
  return { requests, lease }
}

/** Somebody governs, and lets it have what it wants: how busy this machine is does not matter. */
async function fast(a: Awaited<ReturnType<typeof endpoint>>) {
  const holder = 'h'.repeat(32)
  await a.tell('govern', { epoch: 1, term: 1, holder, bound: -1, fetchers: [a.id] })
  await a.tell('grant', { from: holder, epoch: 1, term: 1, seq: 1, bytes_per_second: 1e9, site: 1e9, floor: 1e6, valid_ms: 1e6 })
}

const until = (done: () => boolean | undefined) => vi.waitFor(() => expect(done()).toBe(true), { timeout: 20_000, interval: 5 })

describe('an engine', () => {
  it('fetches what is leased in small paced requests, and its peer takes it from there', async () => {
    const p = await published()
    const { requests, lease } = stubOrigin(p)
    const [a, b] = [await endpoint('a'.repeat(32), p), await endpoint('b'.repeat(32), p)]
    for (const x of [a, b]) {
      x.e.want('app')
      await x.order()
    }
    connect(a, b)
    await fast(a)
    await a.tell('lease', lease(1, true))
    await until(() => a.flow().swarm !== undefined)
    const seeking = a.said.some((m) => m.kind === 'progress' && (m.body as Said['progress']).seeding)
    expect(seeking, 'it has nothing else, so nobody has to wait for it').toBe(false)
    await a.tell('lease', lease(2, false))
    await until(() => a.flow().complete && b.flow().complete)
    expect(Math.max(...requests.map((r) => r.to - r.from))).toBeLessThanOrEqual(256 << 10)
    expect(requests.every((r) => /^[0-9a-f]{32} \d+$/.test(r.pace))).toBe(true)
    expect(requests.reduce((n, r) => n + r.to - r.from, 0)).toBe(p.content.length + p.body.length)
    expect(b.flow().version!.bytes).toMatchObject({ origin: 0, peer: p.content.length })
    const leases = () => a.said.flatMap((s) => (s.kind === 'progress' ? ((s.body as Said['progress']).leases ?? []) : []))
    await until(() => leases().some((l) => l.lease === 2 && l.verified === chunks && l.done))
    const signal = new AbortController().signal
    expect(await sha256Hex(await b.e.chunk(b.flow(), 7, signal))).toBe(b.flow().body!.digest(7))
  })

  it('drops a peer that sends bytes that do not match, and keeps nothing of it', async () => {
    const p = await published()
    const { lease } = stubOrigin(p)
    const [a, b] = [await endpoint('a'.repeat(32), p), await endpoint('b'.repeat(32), p)]
    await fast(a)
    a.e.want('app')
    await a.order()
    await a.tell('lease', lease(1, true))
    await until(() => a.flow().swarm !== undefined)
    await a.tell('lease', lease(2, false))
    await until(() => a.flow().complete)
    b.e.want('app')
    await b.order()
    await b.e.bodyCame(b.flow(), p.body)
    const { bulkA } = connect(a, b)
    bulkA.spoil = true
    await until(() => b.said.some((s) => s.kind === 'report' && (s.body as Said['report']).code === 'bad_chunk'))
    expect(b.flow().swarm!.missing).toBe(chunks)
    expect(b.e.peers.size).toBe(0)
  })

  it('gives a lease back when the origin sends what does not match', async () => {
    const p = await published()
    const { lease } = stubOrigin(p, true)
    const a = await endpoint('a'.repeat(32), p)
    a.e.want('app')
    await a.order()
    await a.e.bodyCame(a.flow(), p.body)
    await until(() => a.flow().swarm !== undefined)
    await a.tell('lease', lease(2, false))
    await until(() => a.said.some((s) => s.kind === 'report' && (s.body as Said['report']).code === 'bad_chunk'))
    await until(() => a.said.some((s) => s.kind === 'progress' && (s.body as Said['progress']).leases?.some((l) => l.failed)))
    expect(a.flow().swarm!.have.has(0)).toBe(false)
  })

  it('takes no part in what the page did not ask for, nor in what is paused', async () => {
    const p = await published()
    const { requests, lease } = stubOrigin(p)
    const a = await endpoint('a'.repeat(32), p)
    await a.order()
    await a.tell('lease', lease(1, true))
    a.e.want('app')
    await a.tell('flow', { generation: 2, id: p.id, head: p.envelope, priority: 'normal', paused: true })
    await a.tell('lease', lease(2, true))
    await until(() => a.said.some((s) => s.kind === 'progress' && (s.body as Said['progress']).leases?.some((l) => l.failed)))
    expect(requests).toEqual([])
  })

  it('drops what is blocked, also when it is complete and read, and obeys only then', async () => {
    const p = await published()
    const a = await endpoint('a'.repeat(32), p)
    a.e.want('app')
    await a.order()
    await a.e.bodyCame(a.flow(), p.body)
    const reader = a.e.chunk(a.flow(), 3, new AbortController().signal)
    reader.catch(() => undefined)
    await until(() => a.flow().readers.size === 1)
    let gone = false
    const drop = vi.spyOn(a.e.cfg.store, 'drop').mockImplementation(async () => gone)
    const obeyed = () => a.said.filter((s) => s.kind === 'obeyed').map((s) => (s.body as Said['obeyed']).generation)
    await a.tell('flows', { generation: 2, ids: [], purges: [{ content: 'app', serial: 9, block: true }] })
    expect(a.e.flows.size).toBe(0)
    await expect(reader).rejects.toThrow()
    expect(drop).toHaveBeenCalledOnce()
    expect(obeyed()).toEqual([1])
    gone = true
    await until(() => obeyed().includes(2))
  })

  it('goes on reading what is complete and no longer distributed, where it is not blocked', async () => {
    const p = await published()
    const a = await endpoint('a'.repeat(32), p)
    a.e.want('app')
    await a.order()
    Object.assign(a.flow(), { complete: true })
    await a.tell('flows', { generation: 2, ids: [], purges: [{ content: 'app', version: '2', serial: 9, block: true }] })
    expect(a.e.flows.size).toBe(1)
    await a.tell('flows', { generation: 3, ids: [], purges: [{ content: 'app', version: '1', serial: 9, block: true }] })
    expect(a.e.flows.size).toBe(0)
  })

  it('believes no head but of a publisher', async () => {
    const [p, q] = [await published(), await published()]
    const a = await endpoint('a'.repeat(32), p)
    await a.tell('flow', { generation: 1, id: q.id, head: q.envelope, priority: 'normal' })
    expect(a.e.flows.size).toBe(0)
    expect(a.said.at(-1)).toMatchObject({ kind: 'progress', body: { code: 'bad_head' } })
  })

  it('stops fetching when it alone lost the server', async () => {
    const p = await published()
    const { requests, lease } = stubOrigin(p)
    const [a, b] = [await endpoint('a'.repeat(32), p), await endpoint('b'.repeat(32), p)]
    for (const x of [a, b]) {
      x.e.want('app')
      await x.order()
      await x.e.bodyCame(x.flow(), p.body)
    }
    connect(a, b)
    await until(() => a.e.peers.size === 1 && a.flow().swarm !== undefined && [...a.e.peers.values()][0]!.uplink)
    a.e.grants.pacer.rate = 40_000
    await a.tell('lease', lease(2, false))
    await until(() => requests.length > 0)
    a.e.disconnected()
    await new Promise((r) => setTimeout(r, 1200))
    const so = requests.length
    await new Promise((r) => setTimeout(r, 1200))
    expect(requests.length).toBe(so)
    expect(a.flow().swarm!.missing).toBeGreaterThan(0)
  })
})
