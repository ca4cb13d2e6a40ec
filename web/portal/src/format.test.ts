import { describe, expect, test } from 'vitest'
import { ago, count, rate, share, size, span, time } from './format.ts'

describe('figures', () => {
  test.each([[0, '0 bit/s'], [999, '999 bit/s'], [999.6, '1.00 kbit/s'], [12_345, '12.3 kbit/s'], [5e6, '5.00 Mbit/s'], [123_456_789, '123 Mbit/s']])('rate %d', (n, want) => {
    expect(rate(n)).toBe(want)
  })
  test.each([[0, '0 B'], [1500, '1.50 kB'], [34_500_000, '34.5 MB'], [9.996e9, '10.0 GB'], [2e18, '2000 PB']])('size %d', (n, want) => {
    expect(size(n)).toBe(want)
  })
  test('count', () => expect(count(1_234_567)).toBe('1,234,567'))
  test.each([[0, 0, '–'], [0, 5, '0 %'], [995, 1000, '99 %'], [999_999, 1_000_000, '99 %'], [5, 5, '100 %'], [7, 5, '100 %']])('share of %d in %d', (part, whole, want) => {
    expect(share(part, whole)).toBe(want)
  })
  test.each([[0.4, '0 s'], [59, '59 s'], [61, '1 min 1 s'], [3600, '1 h'], [7500, '2 h 5 min'], [90_000, '1 d 1 h'], [Number.POSITIVE_INFINITY, '–']])('span of %d s', (n, want) => {
    expect(span(n)).toBe(want)
  })
})

describe('times', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  test.each([
    ['2026-03-01T11:59:58Z', 'now'], ['2026-03-01T11:57:30Z', '2 min ago'], ['2026-03-01T14:30:00Z', 'in 2 h'],
    ['2026-02-27T12:00:00Z', '2 d ago'], ['0001-01-01T00:00:00Z', 'never'], [undefined, 'never'],
  ])('%s', (at, want) => expect(ago(at, now)).toBe(want))
  test('in the zone of a site', () => expect(time('2026-03-01T12:00:00Z', 'America/New_York')).toBe('1 Mar 2026, 07:00:00 (America/New_York)'))
})
