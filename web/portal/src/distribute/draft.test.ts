import { describe, expect, it } from 'vitest'
import { aim, empty, firstRings, lacks, line, names, order, reachesAll, restored, steps, usual, type Draft } from './draft.ts'

const draft = (d: Partial<Draft>): Draft => ({ ...empty, version: '2', ...d })

describe('where', () => {
  it('is said in one way', () => {
    expect(aim(empty)).toBeUndefined()
    expect(aim(draft({ way: 'all', sites: 'a' }))).toEqual({ all: true })
    expect(aim(draft({ way: 'sites', sites: ' b, a\nb' }))).toEqual({ sites: ['a', 'b'] })
    expect(aim(draft({ way: 'tag', tag: 'emea' }))).toEqual({ target: 'tag:emea' })
    expect(aim(draft({ way: 'query', query: ' not tag:pilot ' }))).toEqual({ target: 'not tag:pilot' })
    for (const way of ['sites', 'tag', 'query'] as const) expect(aim(draft({ way }))).toBeUndefined()
    expect(names(' , ')).toEqual([])
  })
  it('is looked at by four eyes where it may come to mean all', () => {
    expect(['all', 'tag', 'query', 'sites'].map((way) => reachesAll(draft({ way: way as Draft['way'] })))).toEqual([true, true, true, false])
  })
})

describe('an order', () => {
  it('says what was said, and nothing else', () => {
    expect(JSON.parse(JSON.stringify(order('app', draft({ way: 'all' }))))).toEqual({ name: 'app', version: '2', all: true, priority: 'normal' })
    const by = '2027-03-04T06:00'
    expect(order('app', draft({ way: 'sites', sites: 'a', readyBy: by, preStage: 2, use: 'hold' }))).toMatchObject({ sites: ['a'], ready_by: new Date(by).toISOString(), pre_stage: 2, activate: 'hold' })
    expect(order('app', draft({}))).toBeUndefined()
    expect(order('app', draft({ version: '', way: 'all' }))).toBeUndefined()
  })
  it('has rings with their gates', () => {
    const rings = [{ ...usual, name: ' a ', target: 'tag:x', soakHours: 1.5, halt: 0 }]
    expect(order('app', draft({ way: 'all', inRings: true, rings }))?.rings).toEqual([{ name: 'a', target: 'tag:x', delivered_percent: 95, failed_percent: 5, soak_seconds: 5400, at_once: 0, halt_percent: 0 }])
    expect(order('app', draft({ way: 'all', rings }))?.rings).toBeUndefined()
  })
})

it('knows which step lacks something', () => {
  expect(lacks(empty)).toBe(0)
  expect(lacks(draft({}))).toBe(1)
  expect(lacks(draft({ way: 'all' }))).toBe(steps)
  expect(lacks(draft({ way: 'all', inRings: true }))).toBe(3) // the first ring has no sites yet
  expect(lacks(draft({ way: 'all', inRings: true, rings: [{ ...firstRings[1]! }] }))).toBe(steps)
  expect(lacks(draft({ way: 'all', inRings: true, preStage: 1, rings: [{ ...firstRings[1]! }] }))).toBe(3)
})

it('is the same as a line', () => {
  expect(line('app', draft({ way: 'all' }))).toBe('sitecast distribute app@2 --all')
  expect(line('app', draft({ way: 'sites', sites: 'b a', priority: 'high', preStage: 2 }))).toBe('sitecast distribute app@2 --site a --site b --priority high --pre-stage 2')
  const rings = [{ ...usual, name: 'canary', target: 'tag:canary', soakHours: 24, delivered: 90 }, { ...usual, name: 'rest', target: 'rest', atOnce: 50, halt: 0, failed: 1 }]
  expect(line('app', draft({ way: 'query', query: 'tag:a or tag:b', use: 'hold', inRings: true, rings })))
    .toBe("sitecast distribute app@2 --query 'tag:a or tag:b' --activate hold --ring 'canary=tag:canary; delivered>=90%; soak 24h' --ring 'rest=rest; failed<=1%; at-once 50; halt never'")
  expect(line('app', { ...empty, way: 'all', readyBy: '2027-03-04T06:00' })).toBe(`sitecast distribute app@VERSION --all --ready-by ${new Date('2027-03-04T06:00').toISOString().replace('.000Z', 'Z')}`)
})

it('survives what was kept', () => {
  expect(restored(null)).toEqual(empty)
  expect(restored('{"version":"3"')).toEqual(empty)
  expect(restored('7')).toEqual(empty)
  expect(restored('{"version":"3"}')).toEqual({ ...empty, version: '3' })
})
