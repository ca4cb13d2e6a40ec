import { expect, test } from 'vitest'
import { difference } from './difference.ts'

test('members side by side, what is gone last', () => {
  expect(difference({ cap: 1, old: true, peers_on: [] }, { cap: 2, peers_on: ['10.0.0.0/8', '10.1.0.0/16'], who: { name: 'a' } })).toEqual([
    { path: 'cap', before: '1', after: '2' },
    { path: 'peers_on', before: '', after: '10.0.0.0/8, 10.1.0.0/16' },
    { path: 'who.name', before: '', after: 'a' },
    { path: 'old', before: 'true', after: '' },
  ])
})

test('nothing before, nothing after', () => {
  expect(difference(null, undefined)).toEqual([])
  expect(difference(undefined, 'now')).toEqual([{ path: '', before: '', after: 'now' }])
})
