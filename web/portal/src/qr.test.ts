import { expect, test } from 'vitest'
import { encode } from 'uqr'
import { path } from './qr.ts'

test('a bar is drawn for each run of dark modules', () => {
  expect(path([[true, true, false, true], [false, false, false, false], [false, true, true, true]])).toBe('M0 0h2v1h-2zM3 0h1v1h-1zM1 2h3v1h-3z')
  expect(path([])).toBe('')
})

test('every dark module of a code is in its path, and no light one', () => {
  const { data, size } = encode('sce1.abc', { ecc: 'L', border: 4 })
  const drawn = data.map((row) => row.map(() => false))
  for (const [, x, y, width] of path(data).matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    for (let i = 0; i < Number(width); i++) drawn[Number(y)]![Number(x) + i] = true
  }
  expect(drawn).toEqual(data)
  expect(size).toBe(data.length)
  expect(data[3]!.some(Boolean)).toBe(false) // the quiet zone
})

test('a token and a whole line fit a code that a scanner reads', () => {
  const token = `sce1.${'x'.repeat(320)}` // as `sitecast enrol` prints them
  const line = `(umask 077; printf %s ${token} > shop-12.token) && sitecast kiosk --server https://sitecast.example:8443 --enrol-token-file shop-12.token --data /var/lib/sitecast-kiosk --app NAME --display chromium\n`
  expect(encode(line, { ecc: 'L' }).version).toBeLessThan(25)
})
