import { Download } from './download'
import { describe, expect, it } from 'vitest'
import { encodeFrame, parseFrame } from '../../wire/frames'
import { FrameCredit, FrameData, FrameHello, FrameWant, type Lease } from '../../wire/messages'
import { Inbox, Outbox } from '../../wire/session'
import { Grants } from './grants'
import { Link, type Channel, type LinkEvents } from './link'
import { maxRequest, slices, stepOf } from './origin'
import { Pacer } from './pacer'
import { creditWindow, Receiver } from './receiver'
import { fingerprintOf, sift } from './sdp'
import { decodeChunk } from './zstd'

describe('the pacer', () => {
  /** A line of some capacity with a queue: what one request after the other sees of it. */
  function line(p: Pacer, capacity: number, others: number, seconds: number, late = (_: number) => 0): number {
    let n = 0
    let now = 0
    let queue = 0
    while (now < seconds * 1000) {
      const share = Math.max(capacity - others, capacity / 10)
      const came = Math.min(p.rate, share)
      const took = Math.max(0.05, (128 << 10) / came)
      queue = Math.max(0, Math.min(0.4, queue + ((p.rate + others - capacity) * took) / capacity))
      now += took * 1000
      p.saw(now, 20 + queue * 1000 + late(n++), came)
    }
    return p.rate
  }

  it('uses an idle line', () => expect(line(new Pacer(), 2e6, 0, 20)).toBeGreaterThan(1.2e6))
  it('uses it also where the computer is busy, and late three times in four', () => {
    expect(line(new Pacer(), 2e6, 0, 20, (n) => (n % 4 ? 300 : 0))).toBeGreaterThan(1.2e6)
  })
  it('stands back while others use it', () => {
    const p = new Pacer()
    line(p, 2e6, 0, 20)
    expect(line(p, 2e6, 1.9e6, 20)).toBeLessThan(0.5e6)
  })
})

describe('grants', () => {
  const govern = { epoch: 1, term: 1, holder: 'h', bound: -1, fetchers: ['me', 'you'] }
  const grant = { epoch: 1, term: 1, seq: 1, bytes_per_second: 5000, site: 9000, floor: 8192, valid_ms: 1000 }

  it('hold for as long as they say, and then leave a share of the floor', () => {
    const g = new Grants()
    g.appointed(govern)
    g.granted(0, 'h', grant)
    expect(g.rate(999)).toBe(5000)
    expect(g.rate(1000)).toBe(4096)
  })
  it('come from the holder alone, and no older one counts', () => {
    const g = new Grants()
    g.appointed(govern)
    g.granted(0, 'h', { ...grant, seq: 5 })
    g.granted(0, 'h', { ...grant, seq: 4, bytes_per_second: 1 })
    g.granted(0, 'x', { ...grant, seq: 6, bytes_per_second: 1 })
    expect(g.rate(1)).toBe(5000)
  })
  it('are not needed where nobody governs, and a bound holds all the same', () => {
    const g = new Grants()
    expect(g.rate(0)).toBe(256 << 10)
    g.appointed({ ...govern, holder: '', bound: 10_000 })
    expect([g.paced, g.rate(0)]).toEqual([true, 5000])
  })
})

describe('requests to the origin', () => {
  const lease = {
    flow: '', epoch: 1, lease: 1, pack: '', url: '/packs/x', from: 100, to: 100 + 3 * 100_000 + 50, ttl_ms: 1,
    parts: [{ c: 1, n: 100_000 }, { c: 2, n: 100_000, s: 50 }, { c: 3, n: 100_000 }],
  } satisfies Lease

  it('are of whole parts and at most 256 KiB', () => {
    expect(stepOf(lease, 0, Infinity)).toMatchObject({ from: 100, to: 200_150, parts: [{ c: 1 }, { c: 2 }] })
    expect(stepOf(lease, 2, Infinity)).toMatchObject({ from: 200_150, to: 300_150, parts: [{ c: 3 }] })
    expect(stepOf(lease, 1, Infinity)!.from).toBe(100_150)
    expect(stepOf(lease, 3, Infinity)).toBeUndefined()
  })
  it('are small where the rate is', () => expect(stepOf(lease, 0, 1000)!.parts.length).toBe(1))
  it('cut a body into ranges', () => {
    const body = { ...lease, body: true, parts: [], from: 0, to: 600_000 }
    expect(stepOf(body, 0, Infinity)).toMatchObject({ from: 0, to: maxRequest })
    expect(stepOf(body, 2 * maxRequest, Infinity)).toMatchObject({ from: 2 * maxRequest, to: 600_000 })
  })
  it('find each part in the answer', () => {
    const step = stepOf(lease, 0, Infinity)!
    const found = [...slices(step, new Uint8Array(step.to - step.from))]
    expect(found.map((f) => [f.part.c, f.encoded.byteOffset, f.encoded.length])).toEqual([[1, 0, 100_000], [2, 100_050, 100_000]])
  })
})

describe('zstd chunks', () => {
  const frame = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 5, 0x29, 0, 0, 104, 101, 108, 108, 111])
  it('are decoded', () => expect(new TextDecoder().decode(decodeChunk(frame, 5))).toBe('hello'))
  it('are one frame, whole', () => {
    for (const bad of [frame.slice(0, 9), new Uint8Array(), new Uint8Array(20), Uint8Array.from([...frame, ...frame])]) {
      expect(() => decodeChunk(bad, 5)).toThrow()
    }
  })
})

describe('sessions', () => {
  it('repeat what is not acknowledged, and nothing else', () => {
    const out = new Outbox()
    for (let i = 0; i < 3; i++) out.add('ack', i, 10)
    out.acked(2)
    expect(out.unacked.map((k) => k.id)).toEqual([3])
    expect(() => out.acked(4)).toThrow()
  })
  it('take nothing twice, and no gap', () => {
    const box = new Inbox()
    expect([box.take(1), box.take(1), box.take(0), box.owed]).toEqual([true, false, true, 1])
    expect(() => box.take(3)).toThrow()
  })
})

describe('what a peer sends', () => {
  const piece = (offset: number, length: number, chunk = 0) => ({ kind: FrameData, version: 'v', number: chunk, offset, payload: new Uint8Array(length) })
  it('is put together in any order', () => {
    const r = new Receiver()
    r.expect({ version: 'v', chunk: 0 }, 10_000)
    expect(r.piece(piece(8184, 1816)).whole).toBeUndefined()
    expect(r.piece(piece(8184, 1816)).ok).toBe(true)
    expect(r.piece(piece(0, 8184)).whole!.length).toBe(10_000)
  })
  it('breaks the rules when it is misplaced, or never was asked for', () => {
    const r = new Receiver()
    r.expect({ version: 'v', chunk: 0 }, 10_000)
    expect(r.piece(piece(1, 4092)).ok).toBe(false)
    expect(r.piece(piece(8184, 4092)).ok).toBe(false)
    let sent = 0
    while (r.piece(piece(0, 40_920, 5)).ok) {
      sent += 40_920
      r.renew()
    }
    expect(sent).toBeLessThanOrEqual(creditWindow)
  })
})

describe('session descriptions', () => {
  const print = Array.from({ length: 32 }, () => 'AB').join(':')
  const sdp = `v=0\r\na=fingerprint:sha-256 ${print.toLowerCase()}\r\na=candidate:1 1 udp 1 10.0.0.1 40000 typ host\r\n`
  it('have one fingerprint', () => expect(fingerprintOf(sdp)).toBe(`sha-256 ${print}`))
  it.each(['', sdp + sdp, `${sdp}\ra=fingerprint:sha-256 ${print}\r\n`, sdp.replace('sha-256', 'sha-1'), `${sdp}x=FINGERPRINT`, `${sdp}\u0000`])('are refused: %#', (bad) => {
    expect(() => fingerprintOf(bad)).toThrow()
  })
  it('lose the candidates that no peer can have', () => {
    const all = `${sdp}a=candidate:2 1 udp 1 127.0.0.1 40000 typ host\r\n`
    const sifted = sift(all, { loopback: false, on: [] })
    expect(sifted.candidates.length).toBe(1)
    expect(sifted.sdp).not.toContain('candidate')
  })
})

describe('a link', () => {
  class Fake implements Channel {
    sent: Uint8Array<ArrayBuffer>[] = []
    bufferedAmount = 0
    bufferedAmountLowThreshold = 0
    onmessage: Channel['onmessage'] = null
    onbufferedamountlow: Channel['onbufferedamountlow'] = null
    onopen: Channel['onopen'] = null
    onclose: Channel['onclose'] = null
    readyState = 'open'
    send(b: Uint8Array<ArrayBuffer>): void {
      this.sent.push(b)
    }
    hear(b: Uint8Array<ArrayBuffer>): void {
      this.onmessage?.({ data: b.buffer })
    }
  }

  function made(read: LinkEvents['read'] = async () => new Uint8Array(200_000)) {
    const log: string[] = []
    const [ctl, bulk] = [new Fake(), new Fake()]
    const l = new Link('p', 1, ctl, bulk, {
      up: () => log.push('up'), ctl: (_, f) => log.push(`ctl ${f.kind}`), bulk: () => log.push('bulk'), read, sent: () => log.push('sent'),
      down: (_, why) => log.push(`down ${why}`),
    }, () => undefined)
    return { l, log, ctl, bulk }
  }
  const hello = encodeFrame({ kind: FrameHello, number: 1 })

  it('hears nothing before its peer is proved', () => {
    const { l, log, ctl } = made()
    ctl.hear(hello)
    expect(log).toEqual([])
    l.prove(false)
    expect(log).toEqual(['up'])
  })
  it.each([['a second hello', hello], ['no frame', new Uint8Array([0x77])], ['a frame of bulk', encodeFrame({ kind: FrameData, version: 'aa'.repeat(16), payload: new Uint8Array(9) })]])('ends at %s', (_, bad) => {
    const { l, log, ctl } = made()
    ctl.hear(hello)
    l.prove(false)
    ctl.hear(bad as Uint8Array<ArrayBuffer>)
    expect(log[1]).toMatch(/^down (protocol|unknown_type)$/)
  })
  it('sends no more than its peer allows', async () => {
    const { l, log, ctl, bulk } = made()
    ctl.hear(hello)
    l.prove(false)
    l.want([{ version: 'aa'.repeat(16), chunk: 3, offset: 0, length: 0 }])
    const step = () => new Promise((r) => setTimeout(r))
    await step()
    expect(bulk.sent.length).toBe(0)
    ctl.hear(encodeFrame({ kind: FrameCredit, total: 140_000 }))
    await step()
    expect(bulk.sent.length).toBe(2)
    ctl.hear(encodeFrame({ kind: FrameCredit, total: 1_000_000 }))
    await step()
    expect(bulk.sent.map((b) => parseFrame(b).payload!.length).reduce((a, b) => a + b)).toBe(200_000)
    expect(log).toContain('sent')
    ctl.hear(encodeFrame({ kind: FrameWant, version: 'aa'.repeat(16), chunks: [1] }))
    expect(log).toContain('ctl 7')
  })
})

describe('a download', () => {
  const info = (version: string) => ({
    state: 'complete' as const, name: 'app', version, total: 8, held: 8, bytes: { origin: 8, peer: 0, relay: 0, reused: 0 }, wan: 8, size: 8, code: '', reason: '',
  })

  it('goes on reading the version in which it began, and lists the newest', async () => {
    let version = '1'
    const reads: unknown[] = []
    const d = new Download(0, 'app', undefined, {
      call<T>(m: { t: 'files' } | { t: 'read'; flow: string; from: number; to: number }) {
        if (m.t === 'files') return { call: 0, value: Promise.resolve({ flow: version, files: [{ path: version, size: 8, executable: false, dir: false }] } as T) }
        reads.push([m.flow, m.from, m.to])
        return { call: 0, value: Promise.resolve(new Uint8Array(4) as T) }
      },
      cancel: () => undefined,
    })
    d.heard(info(version))
    const reader = d.stream().getReader()
    await reader.read()
    d.heard(info((version = '2')))
    while (!(await reader.read()).done);
    expect(reads).toEqual([['1', 0, 8], ['1', 4, 8]])
    expect((await d.files()).map((f) => f.path)).toEqual(['2'])
  })
})
