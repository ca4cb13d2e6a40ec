import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Streams, type Told } from './shared.ts'
import { pieces, Rows, staleAfter, type Flow } from './stream.ts'

const flow = (content: string, more: Partial<Flow> = {}): Flow => ({ site: 's', content, version: '1', ...more }) as Flow

describe('rows', () => {
  test('what is gone goes before what is set comes', () => {
    const rows = new Rows<Flow>('flows')
    rows.take({ link: 'live', set: [flow('a'), flow('b')] })
    rows.take({ link: 'live', gone: ['s/a@1', 's/b@1'], set: [flow('b', { state: 'paused' })] })
    expect(rows.list()).toEqual([flow('b', { state: 'paused' })])
  })
  test('a reset voids what was', () => {
    const rows = new Rows<Flow>('flows')
    rows.take({ link: 'live', set: [flow('a')] })
    rows.take({ link: 'live', reset: true, set: [flow('b')] })
    expect(rows.list()).toEqual([flow('b')])
  })
})

describe('pieces', () => {
  test('bring the same, and say which is the last', () => {
    const all = Array.from({ length: 7 }, (_, i) => flow(`c${i}`))
    const cut = [...pieces({ link: 'live', reset: true, gone: ['s/x@1'], set: all }, 3)]
    expect(cut.map((n) => [n.reset, n.gone, n.set?.length, n.more])).toEqual([[true, ['s/x@1'], 3, true], [undefined, undefined, 3, true], [undefined, undefined, 1, undefined]])
    const rows = new Rows<Flow>('flows')
    for (const news of cut) rows.take(news as never)
    expect(rows.list()).toEqual(all)
  })
  test('are one where little is new', () => {
    expect([...pieces({ link: 'stale' }, 3)]).toEqual([{ link: 'stale' }])
    expect([...pieces({ link: 'live', set: [flow('a'), flow('b'), flow('c')] }, 3)]).toHaveLength(1)
  })
})

/** A server whose streams the test writes. */
function served() {
  const open: ReadableStreamDefaultController<Uint8Array>[] = []
  const asked: { url: string; last: string | null; signal: AbortSignal }[] = []
  const fetch = vi.fn(async (url: URL, init: RequestInit) => {
    asked.push({ url: url.search, last: new Headers(init.headers).get('Last-Event-ID'), signal: init.signal! })
    const stream = new ReadableStream<Uint8Array>({ start: (c) => { open.push(c) } })
    return new Response(stream, { headers: { 'Content-Type': 'text/event-stream' } })
  })
  const text = new TextEncoder()
  const send = (kind: string, id: string, data: unknown) => open.at(-1)!.enqueue(text.encode(`event: ${kind}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`))
  return { fetch, asked, send, end: () => open.at(-1)!.close() }
}

/** A tab: what it was told, and what it knows by that. */
function tab() {
  const told: Told[] = []
  const rows = new Rows<Flow>('flows')
  return {
    told, postMessage: (t: Told) => { told.push(t); rows.take(t.news as never) }, knows: () => rows.list().map((f) => f.content), link: () => told.at(-1)?.news.link,
  }
}

const settled = () => vi.advanceTimersByTimeAsync(1)
const flows = { view: 'flows' } as const

describe('streams', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  function start() {
    const s = served()
    const streams = new Streams({ baseUrl: 'http://portal.test', fetch: s.fetch as unknown as typeof fetch })
    const a = tab()
    streams.hear(a, { follow: flows })
    return { s, streams, a }
  }

  test('a change is told when it is whole', async () => {
    const { s, a } = start()
    await settled()
    s.send('reset', '1.0', { view: 'flows', reason: 'begin' })
    s.send('change', '1.1', { view: 'flows', set: [flow('a')], more: true })
    await settled()
    expect(a.told).toEqual([])
    s.send('change', '1.2', { view: 'flows', set: [flow('b')] })
    await settled()
    expect(a.knows()).toEqual(['a', 'b'])
    expect(a.link()).toBe('live')
  })

  test('tabs share a stream, and who comes later is told what is there', async () => {
    const { s, streams, a } = start()
    await settled()
    s.send('change', '1.1', { view: 'flows', set: [flow('a')] })
    await settled()
    const b = tab()
    streams.hear(b, { follow: flows })
    await settled()
    expect(s.asked).toHaveLength(1)
    expect(b.knows()).toEqual(['a'])
    s.send('change', '1.2', { view: 'flows', gone: ['s/a@1'], set: [flow('c')] })
    await settled()
    expect([a.knows(), b.knows()]).toEqual([['c'], ['c']])
  })

  test('thousands of rows come in pieces, to who was there and to who comes later', async () => {
    const { s, streams, a } = start()
    await settled()
    const all = Array.from({ length: 1000 }, (_, i) => flow(`c${i}`))
    s.send('change', '1.1', { view: 'flows', set: all.slice(0, 600), more: true })
    s.send('change', '1.2', { view: 'flows', set: all.slice(600) })
    await settled()
    const b = tab()
    streams.hear(b, { follow: flows })
    for (const { told, knows } of [a, b]) {
      expect(told.map((t) => t.news.more)).toEqual([true, true, true, undefined])
      expect(knows()).toEqual(all.map((f) => f.content))
    }
  })

  test('a stream ends with the last tab that follows it', async () => {
    const { s, streams, a } = start()
    const b = tab()
    streams.hear(b, { follow: flows })
    streams.hear(b, { follow: { view: 'overview' } })
    await settled()
    streams.hear(a, { leave: flows })
    expect(s.asked.map((q) => q.signal.aborted)).toEqual([false, false])
    streams.hear(b, 'bye')
    expect(s.asked.map((q) => q.signal.aborted)).toEqual([true, true])
  })

  test('what is known is stale when the server is silent, and live again with its next sign', async () => {
    const { s, a } = start()
    await settled()
    s.send('change', '1.1', { view: 'flows', set: [flow('a')] })
    await settled()
    await vi.advanceTimersByTimeAsync(staleAfter)
    expect(a.link()).toBe('stale')
    expect(a.knows()).toEqual(['a'])
    s.send('change', '1.2', { view: 'flows', set: [flow('b')] })
    await settled()
    expect(a.link()).toBe('live')
    expect(a.knows()).toEqual(['a', 'b'])
  })

  test('another stream goes on where one ended', async () => {
    const { s, a } = start()
    await settled()
    s.send('change', '7.3', { view: 'flows', set: [flow('a')] })
    await settled()
    s.end()
    await settled()
    expect(a.link()).toBe('stale')
    await vi.advanceTimersByTimeAsync(2000)
    expect(s.asked.map((q) => q.last)).toEqual([null, '7.3'])
    expect(a.link()).toBe('live')
    expect(a.knows()).toEqual(['a'])
  })

  test('a refusal is told, and who asks again is asked for again', async () => {
    const { s, streams, a } = start()
    s.fetch.mockImplementationOnce(async () => new Response('{"status":404,"title":"Not Found","code":"not_found","detail":"no site x"}', { status: 404 }))
    streams.hear(a, { follow: { view: 'flows', site: 'x' } })
    await settled()
    expect(a.told.at(-1)!.news).toEqual({ link: 'refused', problem: { status: 404, title: 'Not Found', code: 'not_found', detail: 'no site x' } })
    const before = s.fetch.mock.calls.length
    streams.hear(a, { follow: { view: 'flows', site: 'x' } })
    await settled()
    expect(s.fetch.mock.calls.length).toBe(before + 1)
  })
})
