import { describe, expect, test } from 'vitest'
import { grouped, matching } from './flows.ts'
import type { Flow } from './live.ts'

const flow = (site: string, content: string, more: Partial<Flow> = {}): Flow => ({
  id: '', site, content, version: '1', state: 'running', priority: 'normal', paused_by: '', endpoints: 2, complete: 1, fetchers: [], groups: 1,
  bytes_origin: 10, bytes_peer: 10, bytes_relay: 0, bytes_reused: 0, bytes_total: 40, unique_bytes: 20, wan_bytes: 5, wan_bps: 100, peer_bps: 300,
  eta_seconds: 3, ordered: '', seconds: 1, why: { code: 'from_peers', kind: 'moving', text: 'from peers', since: '' }, ...more,
})

describe('a search', () => {
  const f = flow('shop-12', 'till-app', { version: '2.1' })
  test.each([['', '', true], ['SHOP', '', true], ['till 2.1', '', true], ['till-app@2.1', '', true], ['till shop-13', '', false], ['', 'paused', false], ['shop', 'running', true]])(
    '%j in state %j', (typed, state, want) => expect(matching(typed, state)(f)).toBe(want))
})

describe('groups', () => {
  test('sum up, and show the state that wants attention most', () => {
    const all = grouped([flow('a', 'x', { state: 'complete' }), flow('a', 'y', { state: 'failed', eta_seconds: 9 }), flow('b', 'x')], 'site')
    expect(all.map((f) => [f.site, f.content, f.state, f.endpoints, f.complete, f.wan_bps, f.bytes_total, f.eta_seconds])).toEqual([
      ['a', '', 'failed', 4, 2, 200, 80, 9], ['b', '', 'running', 2, 1, 100, 40, 3],
    ])
  })
  test('leave the flows as they are', () => {
    const one = flow('a', 'x')
    grouped([one, flow('a', 'y')], 'site')
    expect(one.wan_bps).toBe(100)
  })
  test('by content', () => expect(grouped([flow('a', 'x'), flow('b', 'x')], 'content')).toHaveLength(1))
})
