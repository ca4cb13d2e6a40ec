import { expect, test } from 'vitest'
import { cacheOf } from './cache.ts'

test('what an endpoint said of its store is its own', () => {
  const swarm = { endpoints: [{ id: 'a', cache_used_bytes: 0, cache_budget_bytes: 5 }, { id: 'b', cache_used_bytes: 3, cache_budget_bytes: 9 }, { id: 'c' }, { id: 'd', cache_used_bytes: 3, cache_budget_bytes: 0 }] }
  expect(cacheOf(swarm, 'a')).toEqual({ used: 0, budget: 5 })
  expect(cacheOf(swarm, 'b')).toEqual({ used: 3, budget: 9 })
  for (const silent of ['c', 'd', 'e']) expect(cacheOf(swarm, silent)).toBeUndefined()
  expect(cacheOf({}, 'a')).toBeUndefined()
})
