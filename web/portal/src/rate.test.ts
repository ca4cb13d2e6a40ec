import { expect, test } from 'vitest'
import { parseRate } from './rate.ts'

test.each([
  ['5 Mbit/s', 5e6], ['5mbit', 5e6], ['500k', 5e5], ['1.5 gbps', 1.5e9], ['1,5 G', 1.5e9], ['800 bit/s', 800],
  ['5', undefined], ['0 Mbit/s', undefined], ['fast', undefined], ['', undefined], ['5 MB', undefined], ['-5m', undefined], ['9999 gbit', undefined],
])('%j', (typed, want) => expect(parseRate(typed)).toBe(want))
