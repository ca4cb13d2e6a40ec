import { afterEach, describe, expect, test, vi } from 'vitest'
import { Feed, Rows, staleAfter, type Snapshot } from './live.ts'

vi.mock('./api.ts', () => ({ server: { baseUrl: 'http://portal.test' }, logIn: vi.fn() }))

type Row = { key: string; n: number }
const keyOf = (r: Row): string => r.key

describe('rows', () => {
  test('what is gone goes before what is set comes', () => {
    const rows = new Rows(keyOf)
    rows.change({ set: [{ key: 'a', n: 1 }, { key: 'b', n: 1 }] })
    rows.change({ gone: ['a', 'b'], set: [{ key: 'b', n: 2 }] })
    expect(rows.list()).toEqual([{ key: 'b', n: 2 }])
  })
})

/** A server whose streams the test writes. */
function streams() {
  const open: ReadableStreamDefaultController<Uint8Array>[] = []
  const asked: Headers[] = []
  const signals: AbortSignal[] = []
  const fetch = vi.fn(async (_: unknown, init?: RequestInit) => {
    asked.push(new Headers(init?.headers))
    signals.push(init!.signal!)
    const stream = new ReadableStream<Uint8Array>({ start: (c) => { open.push(c) } })
    return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } })
  })
  const text = new TextEncoder()
  const send = (kind: string, id: string, data: unknown) => open.at(-1)!.enqueue(text.encode(`event: ${kind}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`))
  return { fetch, asked, signals, send, end: () => open.at(-1)!.close() }
}

const settled = () => vi.advanceTimersByTimeAsync(1)

describe('a feed', () => {
  afterEach(() => vi.useRealTimers())

  function start() {
    vi.useFakeTimers()
    const s = streams()
    const feed = new Feed<Row>({ baseUrl: 'http://portal.test', fetch: s.fetch as typeof fetch }, { view: 'flows' }, keyOf)
    const seen: Snapshot<Row>[] = []
    const stop = feed.listen(() => seen.push(feed.get()))
    return { s, feed, seen, stop }
  }

  test('shows a change when it is whole', async () => {
    const { s, feed, seen, stop } = start()
    await settled()
    s.send('reset', '1.0', { view: 'flows', reason: 'begin' })
    s.send('change', '1.1', { view: 'flows', set: [{ key: 'a', n: 1 }], more: true })
    await settled()
    expect(seen).toEqual([])
    s.send('change', '1.2', { view: 'flows', set: [{ key: 'b', n: 1 }] })
    await settled()
    expect(feed.get()).toEqual({ rows: [{ key: 'a', n: 1 }, { key: 'b', n: 1 }], link: 'live' })
    stop()
  })

  test('is stale when the server is silent, and live again with its next sign', async () => {
    const { s, feed, stop } = start()
    await settled()
    s.send('change', '1.1', { view: 'flows', set: [{ key: 'a', n: 1 }] })
    await settled()
    await vi.advanceTimersByTimeAsync(staleAfter)
    expect(feed.get().link).toBe('stale')
    expect(feed.get().rows).toHaveLength(1)
    s.send('change', '1.2', { view: 'flows', set: [{ key: 'a', n: 2 }] })
    await settled()
    expect(feed.get()).toEqual({ rows: [{ key: 'a', n: 2 }], link: 'live' })
    stop()
  })

  test('goes on where the last stream ended', async () => {
    const { s, feed, stop } = start()
    await settled()
    s.send('change', '7.3', { view: 'flows', set: [{ key: 'a', n: 1 }] })
    await settled()
    s.end()
    await settled()
    expect(feed.get().link).toBe('stale')
    await vi.advanceTimersByTimeAsync(2000)
    expect(s.asked).toHaveLength(2)
    expect(s.asked[1]!.get('Last-Event-ID')).toBe('7.3')
    expect(feed.get()).toEqual({ rows: [{ key: 'a', n: 1 }], link: 'live' })
    stop()
  })

  test('ends when its page is left, and begins anew when it is shown again', async () => {
    const { s, feed, stop } = start()
    await settled()
    s.send('change', '1.1', { view: 'flows', set: [{ key: 'a', n: 1 }] })
    await settled()
    feed.leave()
    await settled()
    expect(s.signals.at(-1)!.aborted).toBe(true)
    expect(feed.get().rows).toHaveLength(1)
    feed.comeBack()
    await settled()
    expect(s.asked).toHaveLength(2)
    s.send('reset', '1.1', { view: 'flows', reason: 'begin' })
    s.send('change', '1.2', { view: 'flows', set: [{ key: 'b', n: 1 }] })
    await settled()
    expect(feed.get()).toEqual({ rows: [{ key: 'b', n: 1 }], link: 'live' })
    stop()
  })

  test('ends with the last who listens', async () => {
    const { s, feed, stop } = start()
    await settled()
    s.send('change', '1.1', { view: 'flows', set: [{ key: 'a', n: 1 }] })
    await settled()
    stop()
    expect(feed.get()).toEqual({ rows: [], link: 'connecting' })
  })
})
