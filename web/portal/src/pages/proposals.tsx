// What waits until somebody else looked at it.

import { useContext, useState } from 'react'
import { api, body, rows, useAsked, usePolled, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import { Me, useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { Answer, Failure } from '../parts/bits.tsx'
import { Sure } from '../parts/form.tsx'
import { says, type Proposal } from '../proposals.ts'
import { text } from '../text.ts'

const words = text.endpoint.proposals
const every = 5000 // milliseconds
const most = 60 // sites that are named

export default function Proposals() {
  const asked = usePolled('proposals', every, () => rows('/api/v1/proposals', {}))
  return (
    <>
      <div className="heading"><h1>{words.title}</h1></div>
      <p className="soft">{words.what}</p>
      <FourEyes />
      <Answer asked={asked}>
        {({ rows: all }) => all.length === 0 ? <div className="empty">{words.none}</div> : <>{all.map((p) => <One key={p.id} proposal={p} again={asked.again} />)}</>}
      </Answer>
    </>
  )
}

/** Whether that is so at all, which an admin may change. */
function FourEyes() {
  const admin = useMay('admin')
  const asked = useAsked('four eyes', () => body(api.GET('/api/v1/four-eyes')))
  const [error, setError] = useState<Error>()
  const set = (on: boolean) => void body(api.PUT('/api/v1/four-eyes', { body: { on } })).then(() => { setError(undefined); asked.again() }, setError)
  return (
    <Answer asked={asked}>
      {({ on }) => (
        <div className="controls">
          <span role="status"><span className={`dot ${on ? 'live' : ''}`} aria-hidden="true" /> {on ? words.on : words.off}</span>
          {admin && <Sure key={String(on)} what={on ? words.turnOff : words.turnOn} act={() => set(!on)} />}
          {error && <Failure error={error} />}
        </div>
      )}
    </Answer>
  )
}

function One({ proposal, again }: { proposal: Proposal; again: () => void }) {
  const now = useNow()
  const me = useContext(Me)
  const steers = useMay('operator')
  const [error, setError] = useState<Error>()
  const { what, how } = says(proposal)
  const own = me?.name === proposal.person || me?.name === proposal.by
  const answer = (asked: Promise<unknown>) => void asked.then(() => { setError(undefined); again() }, setError)
  const at = { params: { path: { id: proposal.id } } }
  return (
    <section className="card">
      <h2>{what}</h2>
      <p>{how.join(', ')}</p>
      <p className="soft">{words.by(proposal.by, ago(proposal.created, now))}</p>
      {!proposal.activation && steers && <Means proposal={proposal} />}
      {own && <p className="soft">{words.own}</p>}
      {error && <Failure error={error} />}
      {steers && (
        <div className="actions">
          {!own && <Sure what={words.approve} act={() => answer(body(api.POST('/api/v1/proposals/{id}/approve', at)))} />}
          <Sure what={own ? words.withdraw : words.reject} act={() => answer(body(api.POST('/api/v1/proposals/{id}/reject', at)))} />
        </div>
      )}
    </section>
  )
}

/** The sites that it means at this moment. */
function Means({ proposal: { id, distribution: d } }: { proposal: Proposal }) {
  const [open, setOpen] = useState(false)
  return (
    <details onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>{words.preview}</summary>
      {open && <Sites id={id} order={{ name: d.name, version: d.version, sites: d.sites ?? undefined, all: d.all, target: d.target, rings: d.rings?.map(({ name, target }) => ({ name, target })), replaces: d.replaces, priority: 'normal' }} />}
    </details>
  )
}

function Sites({ id, order }: { id: number; order: Schemas['NewDistribution'] }) {
  const asked = useAsked(`meant by ${id}`, () => body(api.POST('/api/v1/distributions', { params: { query: { dry_run: true } }, body: order })))
  return (
    <Answer asked={asked}>
      {({ sites }) => (
        <>
          <p>{words.sites(sites?.length ?? 0)}</p>
          <p className="names">{(sites ?? []).slice(0, most).map((s) => (s.ring ? `${s.site} (${s.ring})` : s.site)).join(', ')}{(sites?.length ?? 0) > most && ' …'}</p>
        </>
      )}
    </Answer>
  )
}
