import { expect, it } from 'vitest'
import type { Endpoint } from '../live.ts'
import { healthOf } from './health.ts'
import type { Member } from './swarm.ts'

const endpoint = (more: Partial<Endpoint>): Endpoint => ({ id: 'a', name: 'till-1', flows: [], holds: [], ...more }) as Endpoint

it('is good where nothing is the matter', () => expect(healthOf(endpoint({}), undefined)).toEqual({ is: 'good', words: ['well'] }))
it('is a warning where it does without something, in words', () => {
  expect(healthOf(endpoint({ restraints: ['metered: the network is metered'] }), undefined)).toEqual({ is: 'warn', words: ['the network is metered'] })
  expect(healthOf(endpoint({}), { battery: true } as Member).is).toBe('warn')
})
it('says of a battery once', () =>
  expect(healthOf(endpoint({ restraints: ['battery: its battery is low'] }), { battery: true } as Member).words).toEqual(['its battery is low']))
it('is wrong where a flow can’t go on, and says that first', () => {
  const h = healthOf(endpoint({ restraints: ['user: somebody works at it'], flows: [{ flow: 'app@1', chunks: 1, held: 0, complete: false, code: 'disk_full', error: 'no room' }] }), undefined)
  expect(h).toEqual({ is: 'wrong', words: ['app@1: no room', 'somebody works at it'] })
})
it('tells a version that came back from one that is used', () => {
  const kiosk = (state: string) => healthOf(endpoint({ activation: { content: 'app', version: '1', state } as Endpoint['activation'] }), undefined)
  expect(kiosk('rolled_back').is).toBe('wrong')
  expect(kiosk('active')).toEqual({ is: 'good', words: ['1 active'] })
})
