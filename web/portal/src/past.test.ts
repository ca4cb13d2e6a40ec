import { describe, expect, test } from 'vitest'
import { nearest, parseAt, spansOf, stepped, written } from './past.ts'

const now = Date.parse('2026-11-27T15:00:00Z')

describe('a time in an address', () => {
  test.each([
    ['2026-11-27T14:00:00Z', '2026-11-27T14:00:00Z'], ['2026-11-27T15:00:00+01:00', '2026-11-27T14:00:00Z'], ['', undefined], [null, undefined],
    ['yesterday', undefined], ['2026-11-27T16:00:00Z', undefined], ['1999-01-01T00:00:00Z', undefined],
  ])('%j', (text, want) => {
    const at = parseAt(text, now)
    expect(at === undefined ? undefined : written(at)).toBe(want)
  })
})

describe('where there are pictures', () => {
  const spans = spansOf({ spans: [{ from: '1970-01-01T00:00:00.100Z', to: '1970-01-01T00:00:00.200Z' }, { from: '1970-01-01T00:00:00.300Z', to: '1970-01-01T00:00:00.400Z' }] })
  test.each([[50, 100], [150, 150], [210, 200], [290, 300], [500, 400]])('the nearest to %d is %d', (at, want) => expect(nearest(spans, at)).toBe(want))
  test.each([
    [150, 10, 160], [150, -10, 140], [190, 20, 300], [310, -20, 200], [110, -50, 100], [390, 10, 400], [390, 20, undefined], [150, 200, 350],
  ])('from %d by %d', (at, by, want) => expect(stepped(spans, at, by)).toBe(want))
  test('an address has the first second that is not before it', () => {
    expect([written(5400), written(5000)]).toEqual(['1970-01-01T00:00:06Z', '1970-01-01T00:00:05Z'])
  })
  test('nowhere', () => {
    expect(nearest([], 5)).toBeUndefined()
    expect(stepped([], 5, 1)).toBeUndefined()
    expect(spansOf({ spans: null })).toEqual([])
  })
})
