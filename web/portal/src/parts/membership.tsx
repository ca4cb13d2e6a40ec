// Whether an endpoint belongs: it roams or not, is revoked or removed, and enrols again.

import { useState, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { api, body, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import { installs } from '../installs.ts'
import { useMay } from '../me.ts'
import { useNow } from '../now.ts'
import { text } from '../text.ts'
import { Failure } from './bits.tsx'
import { Copy, Field, Form, Sure } from './form.tsx'

const words = text.endpoint.admin
const day = 86_400 // seconds

type Endpoint = Schemas['ShownEndpoint']

export function Membership({ endpoint, again }: { endpoint: Endpoint; again: () => void }) {
  const admin = useMay('admin')
  if (!admin || !endpoint.enrolled) return null
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <Roaming endpoint={endpoint} again={again} />
      {endpoint.revocation ? <Revoked of={endpoint.revocation} /> : <Revoke id={endpoint.id} again={again} />}
      <Remove endpoint={endpoint} />
      <Again site={endpoint.enrolled} kiosk={endpoint.kind === 'kiosk'} />
    </section>
  )
}

/** Something that can be done, folded away until it is wanted. */
function Deed({ name, children }: { name: string; children: ReactNode }) {
  return <details className="deed"><summary>{name}</summary>{children}</details>
}

function Roaming({ endpoint, again }: { endpoint: Endpoint; again: () => void }) {
  const [error, setError] = useState<Error>()
  const set = (roaming: boolean) => void body(api.PATCH('/api/v1/endpoints/{id}', { params: { path: { id: endpoint.id } }, body: { roaming } })).then(() => { setError(undefined); again() }, setError)
  const name = endpoint.roaming ? words.fix(endpoint.enrolled!) : words.roam
  return (
    <Deed name={name}>
      <p className="soft">{words.roamWhat}</p>
      <div className="actions"><Sure key={name} what={name} act={() => set(!endpoint.roaming)} /></div>
      {error && <Failure error={error} />}
    </Deed>
  )
}

function Revoked({ of }: { of: Schemas['Revocation'] }) {
  return <p className="late-text">{words.revoked(of.reason ? `: ${of.reason}` : '', ago(of.at, useNow()))}</p>
}

function Revoke({ id, again }: { id: string; again: () => void }) {
  const revoke = async (fields: FormData) => {
    await body(api.POST('/api/v1/endpoints/{id}/revocation', { params: { path: { id } }, body: { reason: String(fields.get('reason')) } }))
    again()
  }
  return (
    <Deed name={words.revoke}>
      <p className="soft">{words.revokeWhat}</p>
      <Form button={words.revoke} send={revoke}><Field label={words.reason}><input name="reason" maxLength={200} required autoComplete="off" /></Field></Form>
    </Deed>
  )
}

function Remove({ endpoint }: { endpoint: Endpoint }) {
  const [, go] = useLocation()
  const [error, setError] = useState<Error>()
  const remove = () => void body(api.DELETE('/api/v1/endpoints/{id}', { params: { path: { id: endpoint.id } } })).then(() => go('/endpoints', { replace: true }), setError)
  return (
    <Deed name={words.remove}>
      <p className="soft">{words.removeWhat}</p>
      {endpoint.online ? <p>{words.removeOnline}</p> : <div className="actions"><Sure what={words.remove} act={remove} /></div>}
      {error && <Failure error={error} />}
    </Deed>
  )
}

/** The steps by which an endpoint that was turned away comes back, with a token in the last. */
function Again({ site, kiosk }: { site: string; kiosk: boolean }) {
  const [made, setMade] = useState<Schemas['MadeEnrolment']>()
  const make = async () => setMade(await body(api.POST('/api/v1/enrolments', { body: { site, uses: 1, ttl_seconds: day } })))
  return (
    <Deed name={words.reenrol}>
      <p className="soft">{words.reenrolWhat}</p>
      <ol className="steps">
        <li>{words.first}</li>
        <li>{words.token}{made ? <Copy label={text.enrolment.token} value={made.token} /> : <Form button={words.tokenButton} send={make}>{null}</Form>}</li>
        <li>{words.start}<Copy label={text.enrolment.run} value={installs(kiosk ? 'kiosk' : 'linux', window.location.origin, `${site}.token`)} /></li>
      </ol>
    </Deed>
  )
}
