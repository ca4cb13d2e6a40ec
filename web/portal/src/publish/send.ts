// How an object comes to the origin: in parts that go on where they were interrupted.

import { Refusal, type Schemas } from '../../../client/src/index.ts'

/** An object of less is sent as fast as it is asked how much of it is there. */
const resumable = 8 << 20
/** For so long nothing may move, in milliseconds, before it is given up. */
const patience = 60_000
const pauses = [500, 1000, 2000, 4000, 8000] // milliseconds; the last again and again

interface Answered { status: number; header: (name: string) => string | null; text: string }

/** One request, with what an upload has come to. `fetch` does not tell that. */
function ask(method: string, url: string, headers: Record<string, string>, body: Blob | null, at: (bytes: number) => void): Promise<Answered> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
    request.upload.onprogress = (e) => at(e.loaded)
    request.onload = () => done({ status: request.status, header: (name) => request.getResponseHeader(name), text: request.responseText })
    request.onerror = request.ontimeout = () => failed(new TypeError('the connection broke'))
    request.send(body)
  })
}

function refused({ status, text }: Answered): Refusal {
  try {
    return new Refusal(JSON.parse(text) as Schemas['Problem'])
  } catch {
    return new Refusal({ status, title: `HTTP ${status}`, code: 'unknown' })
  }
}

/** Whether it may be otherwise in a moment. */
const passes = (error: unknown): boolean => !(error instanceof Refusal) || error.status >= 500 && error.status !== 507 || [408, 409, 429].includes(error.status)

/** Uploads an object, however often the way breaks, as long as something moves. `at` is told what is there, and what was sent of it since. */
export async function upload(digest: string, bytes: Uint8Array<ArrayBuffer>, at: (there: number, sent: number) => void): Promise<void> {
  let [moved, most] = [Date.now(), 0]
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(`/api/v1/objects/${digest}`, bytes, (there, sent) => {
        if (there > most) [moved, most, attempt] = [Date.now(), there, 0]
        at(there, sent)
      })
    } catch (error) {
      // What was there may have been damaged, and is gone: it is sent again, once.
      const damaged = error instanceof Refusal && error.status === 422 && most > 0 && attempt === 0
      if (!damaged && (!passes(error) || Date.now() - moved > patience)) throw error
      await new Promise((done) => setTimeout(done, pauses[Math.min(attempt, pauses.length - 1)]))
    }
  }
}

async function once(url: string, bytes: Uint8Array<ArrayBuffer>, at: (there: number, sent: number) => void): Promise<void> {
  const headers: Record<string, string> = { 'Content-Type': 'application/octet-stream' }
  const inParts = bytes.length >= resumable
  let held = 0
  if (inParts) {
    const there = await ask('HEAD', url, {}, null, () => {})
    if (there.status !== 200) throw refused(there)
    if (there.header('Upload-Complete') === 'true') return at(bytes.length, 0)
    held = Number(there.header('Upload-Offset')) || 0
    headers['Upload-Offset'] = String(held)
    headers['Upload-Length'] = String(bytes.length)
    at(held, 0)
  }
  let last = 0
  const answer = await ask(inParts ? 'PATCH' : 'PUT', url, headers, new Blob([bytes.subarray(held)]), (n) => {
    at(held + n, n - last)
    last = n
  })
  if (answer.status < 200 || answer.status >= 300) throw refused(answer)
  at(bytes.length, bytes.length - held - last)
}
