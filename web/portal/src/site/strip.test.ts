import { expect, it } from 'vitest'
import { pieces } from './strip.ts'

it('draws what is held and nothing where nothing is', () =>
  expect(pieces([{ n: 3, level: 4 }, { n: 5, level: 0 }, { n: 2, level: 1 }], 10)).toEqual([{ x: 0, width: 3, level: 4 }, { x: 8, width: 2, level: 1 }]))
it('draws nothing of nothing', () => {
  expect(pieces([], 10)).toEqual([])
  expect(pieces([{ n: 10, level: 0 }], 10)).toEqual([])
})
it('never draws beyond the strip', () =>
  expect(pieces([{ n: 8, level: 4 }, { n: 50, level: 9 }, { n: 1, level: 4 }], 10)).toEqual([{ x: 0, width: 8, level: 4 }, { x: 8, width: 2, level: 4 }]))
