// Who may do what: accounts of people, and tokens of programs.

import { useState } from 'react'
import { api, body, rows, useAsked, type Asked, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import { useNow } from '../now.ts'
import { Answer, Failure } from '../parts/bits.tsx'
import { Copy, Field, Form, Sure } from '../parts/form.tsx'
import { Table, type Column } from '../parts/table.tsx'
import { text } from '../text.ts'

type Role = Schemas['NewToken']['role']

const roles = Object.keys(text.access.roles) as Role[]
const day = 86_400 // seconds

/** Names of sites as they are typed; none stands for all. */
const sitesOf = (fields: FormData): string[] | undefined => {
  const names = String(fields.get('sites') ?? '').split(/[\s,]+/).filter((name) => name !== '')
  return names.length > 0 ? names : undefined
}

export default function Access() {
  return (
    <>
      <div className="heading"><h1>{text.access.title}</h1></div>
      <p className="soft">{text.access.what}</p>
      <Operators />
      <Tokens />
    </>
  )
}

function Rights() {
  return (
    <>
      <Field label={text.access.role}><select name="role" defaultValue="viewer">{roles.map((r) => <option key={r} value={r}>{text.access.roles[r]}</option>)}</select></Field>
      <Field label={text.nav.sites} hint={text.access.sitesHint}><input name="sites" autoComplete="off" spellCheck={false} /></Field>
    </>
  )
}

const where = (sites: readonly string[] | null | undefined): string => (sites && sites.length > 0 ? sites.join(', ') : text.access.all)

function Operators() {
  const now = useNow()
  const asked = useAsked('operators', () => rows('/api/v1/operators', undefined))
  const [invited, setInvited] = useState<Schemas['MadeInvite'] & { name: string }>()
  const [error, setError] = useState<Error>()
  const invite = async (fields: FormData) => {
    const name = String(fields.get('name'))
    const made = await body(api.POST('/api/v1/invites', { body: { name, role: fields.get('role') as Role, sites: sitesOf(fields) } }))
    setInvited({ ...made, name })
  }
  const remove = (operator: string) => void body(api.DELETE('/api/v1/operators/{operator}', { params: { path: { operator } } })).then(asked.again, setError)
  const columns: Column<Schemas['Operator']>[] = [
    { id: 'name', title: text.columns.name, cell: (o) => o.title || o.name },
    { id: 'role', title: text.access.role, cell: (o) => text.access.roles[o.role as Role] ?? o.role },
    { id: 'sites', title: text.nav.sites, cell: (o) => <span className="why">{where(o.sites)}</span>, extra: true },
    { id: 'seen', title: text.access.last, cell: (o) => ago(o.last_login, now) },
    { id: 'remove', title: text.access.actions, cell: (o) => <Sure what={text.access.remove} act={() => remove(o.name)} /> },
  ]
  return (
    <Section title={text.access.operators} asked={asked} columns={columns} rowKey={(o) => o.name} error={error}>
      <h2>{text.access.invite}</h2>
      <Form button={text.access.inviteButton} send={invite}>
        <Field label={text.columns.name}><input name="name" required maxLength={100} autoComplete="off" spellCheck={false} /></Field>
        <Rights />
      </Form>
      {invited && <Copy label={text.access.link(invited.name)} value={invited.url} />}
    </Section>
  )
}

function Tokens() {
  const now = useNow()
  const asked = useAsked('tokens', () => rows('/api/v1/tokens', undefined))
  const [made, setMade] = useState<Schemas['MadeToken']>()
  const [error, setError] = useState<Error>()
  const make = async (fields: FormData) => {
    const days = Number(fields.get('days'))
    const request = { name: String(fields.get('name')), role: fields.get('role') as Role, sites: sitesOf(fields), ttl_seconds: days * day }
    setMade(await body(api.POST('/api/v1/tokens', { body: request })))
    asked.again()
  }
  const revoke = (id: string) => void body(api.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } })).then(asked.again, setError)
  const columns: Column<Schemas['TokenView']>[] = [
    { id: 'name', title: text.columns.name, cell: (t) => t.name },
    { id: 'role', title: text.access.role, cell: (t) => text.access.roles[t.role as Role] ?? t.role },
    { id: 'sites', title: text.nav.sites, cell: (t) => <span className="why">{where(t.sites)}</span>, extra: true },
    { id: 'used', title: text.access.used, cell: (t) => ago(t.used, now) },
    { id: 'ends', title: text.access.expires, cell: (t) => (t.expires ? ago(t.expires, now) : text.access.never), extra: true },
    { id: 'revoke', title: text.access.actions, cell: (t) => <Sure what={text.access.revoke} act={() => revoke(t.id)} /> },
  ]
  return (
    <Section title={text.access.tokens} asked={asked} columns={columns} rowKey={(t) => t.id} error={error}>
      <h2>{text.access.make}</h2>
      <Form button={text.access.makeButton} send={make}>
        <Field label={text.columns.name}><input name="name" required maxLength={100} autoComplete="off" spellCheck={false} /></Field>
        <Rights />
        <Field label={text.access.days} hint={text.access.daysHint}><input name="days" type="number" min={0} max={3650} defaultValue={90} required /></Field>
      </Form>
      {made && <Copy label={text.access.secret(made.name)} value={made.token} />}
    </Section>
  )
}

interface Props<T> {
  title: string
  asked: Asked<{ rows: T[] }>
  columns: Column<T>[]
  rowKey: (row: T) => string
  error?: Error
  children: React.ReactNode
}

function Section<T>({ title, asked, columns, rowKey, error, children }: Props<T>) {
  return (
    <div className="beside">
      <section>
        <h2>{title}</h2>
        {error && <Failure error={error} />}
        <Answer asked={asked}>{({ rows: all }) => <Table label={title} rows={all} columns={columns} rowKey={rowKey} empty={text.access.none} />}</Answer>
      </section>
      <section className="card">{children}</section>
    </div>
  )
}
