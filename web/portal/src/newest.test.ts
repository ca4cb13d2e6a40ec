import { expect, test } from 'vitest'
import { newest } from './newest.ts'

const at = (seconds: number) => new Date(Date.UTC(2026, 10, 27, 14, 0, seconds)).toISOString()
const entry = (id: number, seconds: number) => ({ id, at: at(seconds), by: 'anna', action: 'distribute', target: 'app@2', detail: '', hash: '', prev: '' })
const change = (site: string, state: string, seconds: number, content = 'app') => ({ at: at(seconds), site, content, version: '2', was: 'running', state, text: 'why' })

test('what was done and what became of it are told in one order, the newest first', () => {
  const all = newest([entry(2, 50), entry(1, 5)] as never, [change('a', 'complete', 40), change('a', 'running', 6)], 10)
  expect(all.map((h) => h.kind === 'done' ? h.key : `${h.state} ${h.sites}`)).toEqual(['done 2', 'complete a', 'running a', 'done 1'])
})

test('many sites that do the same are one event', () => {
  const all = newest([], [change('c', 'complete', 100), change('b', 'complete', 70), change('b', 'complete', 60), change('b', 'complete', 60, 'film'), change('a', 'complete', 30)], 10)
  expect(all.map((h) => h.kind === 'flow' ? `${h.content} ${h.sites.join('+')}` : '')).toEqual(['app c+b', 'film b', 'app a'])
})

test('no more than so many', () => {
  expect(newest([entry(3, 3), entry(2, 2), entry(1, 1)] as never, [], 2)).toHaveLength(2)
})
