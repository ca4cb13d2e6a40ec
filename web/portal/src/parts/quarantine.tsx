// Who is at no site, why, and how that is settled: by saying at which site a network is.

import { useState } from 'react'
import { api, body, rows, useAsked, usePolled, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { text } from '../text.ts'
import { Failure } from './bits.tsx'
import { Copy, Field, Form } from './form.tsx'

type Quarantined = Schemas['Quarantined']
type Query = { cidr: string; site: string; kind: 'lan' | 'egress' }

const words = text.endpoint.quarantine
const every = 5000 // milliseconds

/** All networks whose endpoints are in quarantine; nothing where there are none. */
export function Quarantine() {
  const asked = usePolled('quarantine', every, () => body(api.GET('/api/v1/quarantine')))
  if (asked.error || !asked.data || asked.data.length === 0) return null
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <p className="soft">{words.what}</p>
      {asked.data.map((q) => <Held key={`${q.public} ${q.networks} ${q.detail}`} q={q} settled={asked.again} />)}
    </section>
  )
}

/** One network, and what would settle it. */
export function Held({ q, settled }: { q: Quarantined; settled: () => void }) {
  const now = useNow()
  const steers = useMay('operator')
  return (
    <div className="held">
      <p><strong>{words.reasons[q.reason] ?? q.reason}</strong> <span className="soft">{words.since(ago(q.since, now))}</span></p>
      <p>{q.detail}</p>
      {q.names && q.names.length > 0 && <p className="soft">{words.names(q.endpoints, q.names.join(', '))}</p>}
      {q.settle && q.settle.length > 0 && (
        <details>
          <summary>{words.settle}</summary>
          {q.settle.map((line) => <Copy key={line} label={words.command} value={line} />)}
        </details>
      )}
      {steers && <Settle q={q} settled={settled} />}
    </div>
  )
}

const choices = (q: Quarantined): { cidr: string; kind: Query['kind'] }[] =>
  [...(q.networks ?? []).map((cidr) => ({ cidr, kind: 'lan' as const })), ...(q.public ? [{ cidr: q.public, kind: 'egress' as const }] : [])]

function Settle({ q, settled }: { q: Quarantined; settled: () => void }) {
  const sites = useAsked('quarantine sites', () => rows('/api/v1/sites', {}, 5000))
  const [draft, setDraft] = useState<Query>()
  const [moves, setMoves] = useState<Schemas['NetworkChange']>()
  const [done, setDone] = useState(false)
  const [error, setError] = useState<Error>()
  const open = choices(q)
  if (open.length === 0) return null
  const set = (query: Query, dry: boolean) => body(api.PUT('/api/v1/networks', { params: { query: { ...query, dry_run: dry } } }))
  const look = async (fields: FormData) => {
    const { cidr, kind } = open[Number(fields.get('network'))]!
    const query = { cidr, kind, site: String(fields.get('site')) }
    setError(undefined)
    setMoves(await set(query, true))
    setDraft(query)
  }
  const act = () => void set(draft!, false).then(() => {
    setDraft(undefined)
    setDone(true)
    settled()
  }, setError)
  return (
    <details>
      <summary>{words.put}</summary>
      <Form button={words.preview} send={look}>
        <Field label={words.network}><select name="network">{open.map(({ cidr, kind }, i) => <option key={cidr + kind} value={i}>{cidr} ({words.kinds[kind]})</option>)}</select></Field>
        <Field label={words.site}>
          <input name="site" list="quarantine-sites" required autoComplete="off" />
          <datalist id="quarantine-sites">{(sites.data?.rows ?? []).map((s) => <option key={s.name} value={s.name} />)}</datalist>
        </Field>
      </Form>
      {error && <Failure error={error} />}
      {draft && moves && <div aria-live="polite"><Moves moves={moves.moves ?? []} /><div className="actions"><button type="button" onClick={act}>{words.button}</button></div></div>}
      {done && <p role="status">{words.released}</p>}
    </details>
  )
}

/** Who would be elsewhere by another map. */
export function Moves({ moves }: { moves: readonly Schemas['Move'][] }) {
  return (
    <>
      <p>{words.moves(moves.length)}</p>
      <ul>{moves.slice(0, 20).map((m) => <li key={m.id}>{words.move(m.name, m.from || words.quarantine, m.to || words.quarantine)}</li>)}</ul>
    </>
  )
}
