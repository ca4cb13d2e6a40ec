import { describe, expect, it } from 'vitest'
import { layout, maxDrawn, thickness, way, type Node } from './layout.ts'

const nodes = (n: number, network = '10.1.0.0/24', from = 0): Node[] => Array.from({ length: n }, (_, i) => ({ id: `id-${network}-${from + i}`, name: `till-${String(from + i).padStart(2, '0')}`, network }))
const overlaps = (n: number, wide: boolean): number => {
  const { spots } = layout(nodes(n), [], wide)
  let count = 0
  spots.forEach((a, i) => spots.forEach((b, k) => { if (k > i && Math.hypot(a.x - b.x, a.y - b.y) < a.r + b.r + 2) count++ }))
  return count
}

describe('the picture', () => {
  it('is the same whatever the order is in which endpoints are told', () => {
    const all = [...nodes(7), ...nodes(3, '10.2.0.0/24')]
    expect(layout([...all].reverse(), [], true)).toEqual(layout(all, [], true))
  })
  it('keeps other networks where they are when somebody joins one of the same size or less', () => {
    const was = layout([...nodes(8), ...nodes(2, '10.2.0.0/24')], [], true)
    const is = layout([...nodes(8), ...nodes(3, '10.2.0.0/24')], [], true)
    expect(is.spots.slice(0, 8)).toEqual(was.spots.slice(0, 8))
  })
  it('has everybody in it, apart from each other and inside, at any size', () => {
    for (const wide of [true, false]) {
      for (let n = 0; n <= (wide ? maxDrawn.wide : maxDrawn.narrow); n++) {
        const p = layout(nodes(n), [], wide)
        expect(p.spots, `${n}`).toHaveLength(n)
        expect(overlaps(n, wide), `${n}`).toBe(0)
        const outside = p.spots.filter((s) => s.x < s.r || s.y < s.r || s.x + s.r > p.width || s.y + s.r > p.height || Math.hypot(s.x - p.origin.x, s.y - p.origin.y) < s.r + 20)
        expect(outside, `${n}`).toEqual([])
      }
    }
  })
  it('fits a phone without being made smaller', () => expect(layout(nodes(maxDrawn.narrow), [], false).width).toBeLessThanOrEqual(380))
  it('draws networks where there are many endpoints, says of how many each is, and lines between them once', () => {
    const all = [...nodes(30), ...nodes(12, '10.2.0.0/24')]
    const p = layout(all, [{ a: all[0]!.id, b: all[1]!.id }, { a: all[0]!.id, b: all[31]!.id }, { a: all[32]!.id, b: all[1]!.id }], true)
    expect(p.grouped).toBe(true)
    expect(p.spots.map((s) => s.ids.length)).toEqual([30, 12])
    expect(p.lines.map((l) => l.edges)).toEqual([[1, 2]])
  })
  it('says how many networks it leaves out', () => {
    const p = layout(Array.from({ length: 60 }, (_, i) => nodes(1, `10.${i}.0.0/24`)).flat(), [], true)
    expect(p.spots.length + p.left).toBe(60)
    expect(p.left).toBeGreaterThan(0)
  })
  it('leaves out lines to who is not there', () => expect(layout(nodes(2), [{ a: nodes(2)[0]!.id, b: 'gone' }], true).lines).toEqual([]))
})

describe('a way', () => {
  it('goes from rim to rim', () => expect(way({ x: 0, y: 0, r: 10 }, { x: 100, y: 0, r: 20 })).toEqual({ x1: 10, y1: 0, x2: 80, y2: 0 }))
  it('has another side for each direction', () => {
    const there = way({ x: 0, y: 0, r: 0 }, { x: 100, y: 0, r: 0 }, 3)
    const back = way({ x: 100, y: 0, r: 0 }, { x: 0, y: 0, r: 0 }, 3)
    expect([there.y1, back.y1]).toEqual([3, -3])
  })
  it('between two at one place is no number that is none', () => expect(way({ x: 5, y: 5, r: 1 }, { x: 5, y: 5, r: 1 }).x1).toBe(5))
})

describe('a thickness', () => {
  it('grows with the rate, within bounds, and is none of nothing', () => {
    expect(thickness(0)).toBe(0)
    expect([1e3, 1e5, 1e7, 1e12].map(thickness)).toEqual([2, 2, 4.6, 7])
  })
})
