import { expect, it } from 'vitest'
import type { Schemas } from '../api.ts'
import { backName, before, gates, halts, parts } from './gates.ts'

const ring = (seen: Partial<Schemas['RingView']['seen']>, gates: Partial<Schemas['RingView']> = {}): Schemas['RingView'] => ({
  name: 'a', target: 'rest', delivered_percent: 95, failed_percent: 5, soak_seconds: 0, at_once: 0, halt_percent: 10, open: true, ...gates,
  seen: { sites: 1, busy: 0, endpoints: 0, delivered: 0, kiosks: 0, activated: 0, failed: 0, stuck: 0, wan_bps: 0, ...seen },
})

it('says which gates are met, as the server decides', () => {
  const met = (r: Schemas['RingView']) => gates(r).map((g) => g.met)
  expect(met(ring({}))).toEqual([false])
  expect(met(ring({ endpoints: 20, delivered: 18 }))).toEqual([false])
  expect(met(ring({ endpoints: 20, delivered: 19 }))).toEqual([true])
  expect(met(ring({ endpoints: 20, delivered: 20, kiosks: 20 }))).toEqual([true, false]) // nobody tried it yet
  expect(met(ring({ endpoints: 20, delivered: 20, kiosks: 20, activated: 19, failed: 1 }))).toEqual([true, true])
  expect(met(ring({ endpoints: 20, delivered: 20, kiosks: 20, activated: 18, failed: 2 }))).toEqual([true, false])
  expect(met(ring({ endpoints: 20, delivered: 20, wan_bps: 5 }, { wan_bps: 5 }))).toEqual([true, true])
  expect(met(ring({ endpoints: 20, delivered: 20, wan_bps: 6 }, { wan_bps: 5 }))).toEqual([true, false])
})

it('draws no more than there is', () => {
  expect(parts(ring({ endpoints: 10, delivered: 8, activated: 5, failed: 2 }).seen)).toEqual({ activated: 50, delivered: 30, failed: 20 })
  expect(parts(ring({ endpoints: 10, delivered: 10, activated: 0, failed: 4 }).seen)).toEqual({ activated: 0, delivered: 60, failed: 40 })
  expect(parts(ring({}).seen)).toEqual({ activated: 0, delivered: 0, failed: 0 })
})

it('names what is gone back to', () => {
  expect(backName('1.2', 1)).toBe('1.2+rollback.1')
  expect(backName('1.2+rollback.3', 4)).toBe('1.2+rollback.4')
  const all = [{ version: '3', serial: 9 }, { version: '2', serial: 5 }, { version: '1', serial: 2 }]
  expect(before(all, '2').map((v) => v.version)).toEqual(['1'])
  expect(before(all, 'gone').map((v) => v.version)).toEqual(['3', '2', '1'])
  expect([halts(0), halts(-1), halts(10)]).toEqual([false, false, true])
})
