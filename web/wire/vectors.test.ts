import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decode, encode, RefusedError } from './codec'
import { channelOf, encodeFrame, FrameError, hexOf, parseFrame, type Frame } from './frames'
import type { Kind } from './messages'

interface Vector { name: string; input: string; want: string }

/** Reads a file that the tests in Go read, too. */
function vectors(file: string): Vector[] {
  const text = readFileSync(new URL(`../../signaling/wire/testdata/vectors/${file}`, import.meta.url), 'utf8')
  return text.split('\n\n').map((s) => s.trim()).filter((s) => !s.startsWith('#')).map((stanza) => {
    const [name, input, want] = stanza.split('\n')
    const expanded = input!.slice(1).trim().replace(/<<(\w+)\*(\d+)>>/g, (_, x: string, n: string) => x.repeat(Number(n)))
    return { name: name!, input: expanded, want: want! }
  })
}

describe('messages', () => {
  it.each(vectors('messages.txt'))('$name', ({ input, want }) => {
    if (want.startsWith('! ')) {
      let got: unknown
      try {
        got = decode(input)
      } catch (e) {
        got = e
      }
      expect(got).toBeInstanceOf(RefusedError)
      expect((got as RefusedError).code).toBe(want.slice(2))
      return
    }
    const m = decode(input)
    const text = encode(m.kind as Kind, m.id, m.ack, m.body as never)
    // Go writes & as \u0026: it means the same.
    expect(text).toBe(JSON.stringify(JSON.parse(want === '= same' ? input : want.slice(2))))
  })
})

/** Writes a frame as the vectors do. */
function describeFrame(f: Frame): string {
  const out = [`channel=${channelOf(f.kind)}`]
  const add = (name: string, value: unknown, there: boolean) => there && out.push(`${name}=${value}`)
  add('version', f.version, !!f.version && !/^0*$/.test(f.version))
  add('flags', f.flags, !!f.flags)
  add('number', f.number, !!f.number)
  add('offset', f.offset, !!f.offset)
  add('length', f.length, !!f.length)
  add('total', f.total, !!f.total)
  add('chunks', f.chunks?.join(','), !!f.chunks?.length)
  const g = f.grant
  if (g) add('grant', [g.epoch, g.term, g.seq, g.bytes_per_second, g.site, g.floor, g.valid_ms, !!g.lossy].join(','), true)
  add('payload', hexOf(f.payload ?? new Uint8Array()), !!f.payload?.length)
  return out.join(' ')
}

describe('frames', () => {
  it.each(vectors('frames.txt'))('$name', ({ input, want }) => {
    const bytes = Uint8Array.from(input.replace(/ /g, '').match(/../g) ?? [], (h) => Number.parseInt(h, 16))
    let got: string
    try {
      const f = parseFrame(bytes)
      got = `= ${describeFrame(f)}`
      expect(hexOf(encodeFrame(f))).toBe(hexOf(bytes))
    } catch (e) {
      if (!(e instanceof FrameError)) throw e
      got = e.code === 'unknown_type' ? '! unknown' : '! bad'
    }
    expect(got).toBe(want)
  })

  it('is refused or understood, whatever comes', () => {
    let seed = 1
    const random = () => (seed = (seed * 48271) % 2147483647)
    for (let i = 0; i < 20000; i++) {
      const b = Uint8Array.from({ length: random() % 80 }, () => random() % 256)
      if (b.length > 0) b[0] = random() % 0x24
      try {
        expect(hexOf(encodeFrame(parseFrame(b))).length).toBe(2 * b.length)
      } catch (e) {
        if (!(e instanceof FrameError)) throw e
      }
    }
  })
})
