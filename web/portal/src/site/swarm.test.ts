import { describe, expect, it } from 'vitest'
import { keyOf, look, ratesOf, wanOf, type Member, type Swarm } from './swarm.ts'

const since = '2026-11-27T10:00:00Z'
const member = (id: string, wan: number, peer = 0, more: Partial<Member> = {}): Member => ({
  id, name: id, kind: 'agent', since, group: 1, egress: '', fetches: false, bytes: { origin: wan, peer, relay: 0, reused: 0 }, wan_bytes: wan, ...more,
})
const at = (second: number, endpoints: Member[], links: Swarm['links'] = [], site = 'shop'): Swarm => ({
  site, at: new Date(Date.parse(since) + second * 1000).toISOString(), endpoints, links, lines: [],
})

describe('rates', () => {
  it('are what was carried more, over the time that it took', () => {
    const kept = [at(0, [member('a', 0), member('b', 0)]), at(2, [member('a', 1000), member('b', 0, 500)])]
    const { endpoints } = ratesOf(kept)
    expect(endpoints.get('a')).toEqual({ wan: 4000, peer: 0, relay: 0 })
    expect(endpoints.get('b')).toEqual({ wan: 0, peer: 2000, relay: 0 })
    expect(wanOf(kept[1]!, ratesOf(kept), '')).toBe(4000)
  })
  it('look back for a few seconds only', () => {
    const kept = [at(0, [member('a', 0)]), at(5, [member('a', 8000)]), at(9, [member('a', 8000)])]
    expect(ratesOf(kept).endpoints.get('a')!.wan).toBe(0)
  })
  it('are none of who began anew, whose counters fell, or of one look', () => {
    const kept = [at(0, [member('a', 9), member('b', 50)]), at(1, [member('a', 500, 0, { since: '2026-11-27T10:00:01Z' }), member('b', 10)])]
    expect(ratesOf(kept).endpoints.get('a')!.wan).toBe(0)
    expect(ratesOf(kept).endpoints.get('b')!.wan).toBe(0)
    expect(ratesOf([kept[0]!]).endpoints.get('a')!.wan).toBe(0)
    expect(ratesOf([]).endpoints.size).toBe(0)
  })
  it('of links are by their ends, wherever those are in the list', () => {
    const before = at(0, [member('b', 0), member('c', 0)], [{ a: 0, b: 1, up: true, a_to_b_bytes: 100, b_to_a_bytes: 0 }])
    const now = at(1, [member('a', 0), member('b', 0), member('c', 0)], [{ a: 1, b: 2, up: true, a_to_b_bytes: 350, b_to_a_bytes: 0 }, { a: 0, b: 1, up: true }, { a: 0, b: 2, up: false }])
    const { links } = ratesOf([before, now])
    expect(links.get('b c')).toEqual({ aToB: 2000, bToA: 0 })
    expect(links.get('a b')).toEqual({ aToB: undefined, bToA: undefined })
    expect(links.has('a c')).toBe(false)
    expect(keyOf(now, now.links[0]!)).toBe('b c')
  })
})

describe('looks', () => {
  it('are kept in order, of one site, and not for long', () => {
    let kept: readonly Swarm[] = []
    for (let i = 0; i < 30; i++) kept = look(kept, at(i, []))
    expect(kept.length).toBeLessThanOrEqual(12)
    expect(kept.length).toBeGreaterThan(4)
    expect(look(kept, at(3, []))).toHaveLength(1)
    expect(look(kept, at(31, [], [], 'other'))).toHaveLength(1)
  })
})
