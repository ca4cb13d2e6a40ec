import { describe, expect, it } from 'vitest'
import { Bitmap } from './bitmap'
import { Swarm } from './swarm'

const kib = 1 << 10
const lengths = (n: number, each = 64 * kib) => new Uint32Array(n).fill(each)
const swarm = (n: number, each?: number) => new Swarm(lengths(n, each), new Bitmap(n), () => 0.5)
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

describe('a swarm', () => {
  it('asks for the rarest chunks first', () => {
    const s = swarm(3)
    for (const p of ['a', 'b', 'c']) s.add(p, false)
    s.holds('a', [0, 1, 2])
    s.holds('b', [0, 1])
    s.holds('c', [0])
    s.remove('c')
    expect(s.plan(0).find((a) => a.peer === 'a')!.want[0]).toBe(2)
  })

  it('asks before all for what is read right now', () => {
    const s = swarm(40)
    s.add('a', false)
    s.holds('a', range(40))
    s.want([33])
    expect(s.plan(0)[0]!.want[0]).toBe(33)
  })

  it('has no more outstanding at a peer than its window, and no chunk asked twice', () => {
    const s = swarm(100)
    for (const p of ['a', 'b']) s.add(p, false)
    for (const p of ['a', 'b']) s.holds(p, range(100))
    const asks = s.plan(0)
    const all = asks.flatMap((a) => a.want)
    expect(new Set(all).size).toBe(all.length)
    for (const a of asks) expect(a.want.length).toBe(8) // 512 KiB
    expect(s.plan(1)).toEqual([])
  })

  it('asks others for what a stalled peer owes', () => {
    const s = swarm(4)
    s.add('a', false)
    s.holds('a', range(4))
    s.plan(0)
    s.add('b', false)
    s.holds('b', range(4))
    const asks = s.plan(3001)
    expect(asks.find((a) => a.peer === 'a')!.cancel.length).toBe(4)
    expect(asks.find((a) => a.peer === 'b')!.want.length).toBe(4)
  })

  it('asks for nothing that is leased to this endpoint', () => {
    const s = swarm(2)
    s.add('a', false)
    s.holds('a', [0, 1])
    s.lease([0], true)
    expect(s.plan(0)[0]!.want).toEqual([1])
    s.lease([0], false)
    expect(s.plan(1)[0]!.want).toEqual([0])
  })

  it('offers what is fresh from the origin to two peers, and then to the rest', () => {
    const s = swarm(1)
    for (const p of ['a', 'b', 'c', 'd']) s.add(p, false)
    s.got(0, 0, undefined, true)
    expect(s.tell(0).size).toBe(2)
    expect(s.next(0)).toBe(100)
    expect(s.tell(100).size).toBe(2)
  })

  it('tells everybody of what a peer brought, but who has it', () => {
    const s = swarm(1)
    for (const p of ['a', 'b', 'c']) s.add(p, false)
    s.holds('a', [0])
    s.plan(0)
    s.got(1, 0, 'a', false)
    expect([...s.tell(1).keys()]).toEqual(['b', 'c'])
  })

  it('leaves a peer that refuses alone for a moment', () => {
    const s = swarm(1)
    s.add('a', false)
    s.holds('a', [0])
    s.plan(0)
    s.refused(1, 'a', true, [0])
    expect(s.plan(2)).toEqual([])
    expect(s.plan(1002)[0]!.want).toEqual([0])
  })

  it('asks a relayed peer when nothing came another way for 10 s', () => {
    const s = swarm(1)
    s.add('far', true)
    s.holds('far', [0])
    expect(s.plan(1)).toEqual([])
    expect(s.plan(10_002)[0]!.want).toEqual([0])
  })

  it('knows how far a fetcher is ahead of its peers', () => {
    const s = swarm(3)
    s.add('a', false)
    s.got(0, 0, undefined, true)
    s.got(0, 1, undefined, true)
    expect(s.aheadBytes(0)).toBe(0) // nobody has begun to take
    s.holds('a', [0])
    expect(s.aheadBytes(1)).toBe(64 * kib)
    s.holds('a', [1])
    expect(s.aheadBytes(2)).toBe(0)
  })

  it('fetches again what was lost', () => {
    const s = swarm(1)
    s.add('a', false)
    s.holds('a', [0])
    s.got(0, 0, 'a', false)
    expect(s.missing).toBe(0)
    s.lost(0)
    expect(s.plan(1)[0]!.want).toEqual([0])
  })

  it('comes to an end whatever peers do', () => {
    let seed = 3
    const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647
    const s = new Swarm(lengths(60), new Bitmap(60), random)
    const peers = ['a', 'b', 'c', 'd']
    for (const p of peers) s.add(p, random() < 0.3)
    s.holds('a', range(60))
    let now = 1
    for (; s.missing > 0 && now < 600_000; now += 50) {
      const p = peers[Math.floor(random() * 4)]!
      if (random() < 0.02 && p !== 'a') s.remove(p)
      if (random() < 0.05 && s.add(p, false)) s.holds(p, range(Math.floor(random() * 60)))
      for (const ask of s.plan(now)) {
        for (const chunk of ask.want) {
          if (random() < 0.6) s.got(now, chunk, ask.peer, false)
          else if (random() < 0.3) s.refused(now, ask.peer, true, [chunk])
        }
      }
      s.tell(now)
    }
    expect(s.missing).toBe(0)
  })
})
