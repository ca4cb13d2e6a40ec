import { expect, it } from 'vitest'
import { maxMoments, noted, type Histories } from './history.ts'
import { ratesOf, type Swarm } from './swarm.ts'

const swarm = (second: number, lines: Partial<Swarm['lines'][number]>[]): Swarm => ({
  site: 'shop', at: new Date(second * 1000).toISOString(), endpoints: [], links: [],
  lines: lines.map((l) => ({ site: 'shop', egress: '', holder: 'a', bound_bps: -1, rate_bps: 0, capacity_bps: 0, ...l })),
})
const none = ratesOf([])

it('has what the governor allows, and no figure where nothing is governed', () => {
  let h: Histories = noted(new Map(), swarm(1, [{ state: 'run', rate_bps: 5e6, added_delay_p95_ms: 3 }]), none)
  h = noted(h, swarm(2, [{ state: 'free', rate_bps: -1 }]), none)
  h = noted(h, swarm(3, [{ rate_bps: 0 }]), none)
  h = noted(h, swarm(4, []), none)
  expect(h.get('')).toEqual([{ at: 1, wan: 0, allowed: 5e6, delay: 3 }, { at: 2, wan: 0, allowed: null, delay: null }, { at: 3, wan: 0, allowed: null, delay: null }, { at: 4, wan: 0, allowed: null, delay: null }])
})
it('is bounded, in order, and of each line by itself', () => {
  let h: Histories = new Map()
  for (let i = 0; i < maxMoments + 50; i++) h = noted(h, swarm(i, [{ egress: 'x' }, ...(i > 10 ? [{ egress: 'y' }] : [])]), none)
  expect(h.get('x')).toHaveLength(maxMoments)
  expect(noted(h, swarm(2, [{ egress: 'x' }]), none).get('x')!.map((m) => m.at)).toEqual([2])
  expect([...h.keys()]).toEqual(['x', 'y'])
})
