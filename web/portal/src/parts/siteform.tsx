// A new site, and what is put right of one later: its time zone and its networks.

import { useState } from 'react'
import { api, body, rows, useAsked, type Schemas } from '../api.ts'
import { text } from '../text.ts'
import { own, zones } from '../zone.ts'
import { Answer, Failure } from './bits.tsx'
import { Field, Form, Sure } from './form.tsx'
import { Moves } from './quarantine.tsx'

const words = text.endpoint.site

function ZoneField({ value }: { value: string }) {
  return (
    <Field label={words.zone} hint={words.zoneHint}>
      <input name="tz" list="all-zones" defaultValue={value} placeholder={words.unset} autoComplete="off" spellCheck={false} />
      <datalist id="all-zones">{zones().map((zone) => <option key={zone} value={zone} />)}</datalist>
    </Field>
  )
}

/** Makes a site. */
export function NewSite({ made }: { made: (name: string) => void }) {
  const send = async (fields: FormData) => {
    const cidrs = String(fields.get('cidrs')).split(/[\s,]+/).filter((text) => text !== '')
    const site = await body(api.POST('/api/v1/sites', { body: { name: String(fields.get('name')).trim(), tz: String(fields.get('tz')).trim(), cidrs } }))
    made(site.name)
  }
  return (
    <Form button={words.button} send={send}>
      <Field label={words.name} hint={words.nameHint}><input name="name" required maxLength={100} autoComplete="off" spellCheck={false} placeholder="shop-12" /></Field>
      <ZoneField value={own()} />
      <Field label={words.networks} hint={words.networksHint}><input name="cidrs" autoComplete="off" spellCheck={false} /></Field>
    </Form>
  )
}

/** Puts a site's zone and networks right. */
export function SiteSheet({ site, close, changed }: { site: Schemas['Site']; close: () => void; changed: () => void }) {
  const [saved, setSaved] = useState(false)
  const save = async (fields: FormData) => {
    await body(api.PATCH('/api/v1/sites/{name}', { params: { path: { name: site.name } }, body: { tz: String(fields.get('tz')).trim() } }))
    setSaved(true)
    changed()
  }
  return (
    <dialog className="sheet" aria-label={`${words.edit}: ${site.name}`} ref={(d) => { if (d && !d.open) d.showModal() }} onClose={close}>
      <h2>{site.name}</h2>
      <Form button={words.save} send={save}><ZoneField value={site.tz ?? ''} /></Form>
      <p role="status">{saved && words.saved}</p>
      <Networks site={site.name} />
      <form method="dialog"><button>{text.audit.close}</button></form>
    </dialog>
  )
}

type Kind = 'lan' | 'egress'

function Networks({ site }: { site: string }) {
  const asked = useAsked(`networks of ${site}`, async () => (await rows('/api/v1/networks', {}, 10_000)).rows.filter((n) => n.site === site))
  const [moves, setMoves] = useState<Schemas['NetworkChange']>()
  const [error, setError] = useState<Error>()
  const told = (change: Schemas['NetworkChange']) => {
    setError(undefined)
    setMoves(change)
    asked.again()
  }
  const add = async (fields: FormData) => told(await body(api.PUT('/api/v1/networks', { params: { query: { cidr: String(fields.get('cidr')).trim(), site, kind: fields.get('kind') as Kind } } })))
  const remove = (n: Schemas['Network']) => void body(api.DELETE('/api/v1/networks', { params: { query: { cidr: n.cidr, site, kind: n.kind as Kind } } })).then(told, setError)
  return (
    <>
      <h3>{words.on}</h3>
      <Answer asked={asked}>
        {(list) => list.length === 0 ? <p className="soft">{words.noNetworks}</p> : (
          <table className="plain"><tbody>{list.map((n) => <tr key={`${n.cidr} ${n.kind}`}><th scope="row">{n.cidr}</th><td className="soft">{words.kinds[n.kind as Kind]}</td><td><Sure what={words.remove} act={() => remove(n)} /></td></tr>)}</tbody></table>
        )}
      </Answer>
      {error && <Failure error={error} />}
      {moves && (moves.moves ?? []).length > 0 && <Moves moves={moves.moves!} />}
      <Form button={words.addButton} send={add}>
        <Field label={words.cidr}><input name="cidr" required placeholder="10.12.0.0/16" autoComplete="off" spellCheck={false} /></Field>
        <Field label={words.kind}><select name="kind">{(['lan', 'egress'] as const).map((kind) => <option key={kind} value={kind}>{words.kinds[kind]}</option>)}</select></Field>
      </Form>
    </>
  )
}
