// What the portal asks of the server, and what becomes of the answers.

import { useCallback, useEffect, useState } from 'react'
import { useNow } from './now.ts'
import { connect, list, Refusal, type ListPath, type Schemas, type Server } from '../../client/src/index.ts'

export { Refusal }
export type { Schemas }

/** The cookie of the session says who asks. */
export const server: Server = { baseUrl: window.location.origin }
export const api = connect(server)

/** Rows of one answer; more is got by asking on. */
const page = 1000

/** The body of an answer. A refusal is thrown; who is not logged in is led to where that is done. */
export async function body<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked
  if (response.ok) return data as T
  throw refused(error as Schemas['Problem'] | undefined, response)
}

function refused(problem: Schemas['Problem'] | undefined, response: Response): Refusal {
  if (response.status === 401) logIn()
  return new Refusal(problem ?? { status: response.status, title: response.statusText, code: 'unknown' })
}

/** Where the page is kept that somebody was at who had to log in. */
const wasAt = 'sitecast.was-at'

/** Leads to the log-in page; afterwards the portal opens where it was. */
export function logIn(): void {
  sessionStorage.setItem(wasAt, window.location.pathname + window.location.search)
  window.location.assign('/login')
}

/** Goes on where somebody was before they had to log in. */
export function goOn(): void {
  const path = sessionStorage.getItem(wasAt)
  sessionStorage.removeItem(wasAt)
  if (path?.startsWith('/portal/')) window.history.replaceState(null, '', path)
}

/** What was asked for: not there yet, there, or refused. */
export interface Asked<T> {
  data?: T
  error?: Error
  again: () => void
}

/** Asks when it is first shown, and whenever `key` changes. */
export function useAsked<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Error }>({ key })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    ask(stop.signal).then(
      (data) => { if (!stop.signal.aborted) setState({ key, data }) },
      (error: unknown) => { if (!stop.signal.aborted) setState({ key, error: error as Error }) },
    )
    return () => stop.abort()
    // `ask` is a new function each time; what it asks for is named by `key`.
  }, [key, turn])
  const again = useCallback(() => setTurn((n) => n + 1), [])
  return state.key === key ? { data: state.data, error: state.error, again } : { again }
}

/** Asks again every so often, and keeps the last answer meanwhile. */
export function usePolled<T>(key: string, everyMs: number, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const asked = useAsked(`${key} ${useNow(everyMs)}`, ask)
  const [last, setLast] = useState<{ key: string; data: T }>()
  if (asked.data !== undefined && asked.data !== last?.data) setLast({ key, data: asked.data })
  return { ...asked, data: asked.data ?? (last?.key === key ? last.data : undefined) }
}

/** Reads a list up to a number of rows, and says whether there were more. */
export async function rows<P extends ListPath>(path: P, query: Parameters<typeof list<P>>[2], most = page): Promise<{ rows: Row<P>[]; more: boolean }> {
  const out: Row<P>[] = []
  try {
    for await (const row of list(server, path, query)) {
      if (out.length === most) return { rows: out, more: true }
      out.push(row as Row<P>)
    }
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) logIn()
    throw error
  }
  return { rows: out, more: false }
}

type Row<P extends ListPath> = ReturnType<typeof list<P>> extends AsyncGenerator<infer T> ? T : never
