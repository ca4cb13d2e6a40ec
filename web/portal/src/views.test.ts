import { expect, test } from 'vitest'
import { put, worth } from './views.ts'

test.each([
  ['', ''], ['at=2026-11-27T14:00:00Z', ''], ['state=failed&q=till&at=2026-11-27T14:00:00Z', 'q=till&state=failed'], ['q=&sort=wan&down=1', 'down=1&sort=wan'],
])('of %j is kept %j', (search, want) => expect(worth(new URLSearchParams(search))).toBe(want))

test('a view takes the place of the one of its name', () => {
  const one = { name: 'failed', page: 'flows' as const, query: 'state=failed' }
  const two = { ...one, query: 'state=failed&sort=wan' }
  expect(put([], one)).toEqual([one])
  expect(put([one, { ...one, name: 'other' }], two)).toEqual([two, { ...one, name: 'other' }])
})
