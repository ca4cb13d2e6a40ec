// What is set at every level, and the rules that hold now.

import { useState, type ReactNode } from 'react'
import { Link, useSearchParams } from 'wouter'
import { api, body, rows, useAsked, type Schemas } from '../api.ts'
import { useMay } from '../me.ts'
import { Alters } from '../parts/alters.tsx'
import { Answer, Failure } from '../parts/bits.tsx'
import { Field, Form, Sure } from '../parts/form.tsx'
import { Rules } from '../parts/rules.tsx'
import { bySetting, where, type Said, type SettingKey } from '../rules.ts'
import { text } from '../text.ts'

type Level = Schemas['SettingsChange']['level']

/** What shall be said of a setting, and where. */
interface Draft {
  key: SettingKey
  level: string
  subject: string
  value: string
}

const words = text.endpoint.settings

export default function Settings() {
  const asked = useAsked('settings', async () => {
    const [keys, set] = await Promise.all([body(api.GET('/api/v1/settings/keys')), rows('/api/v1/settings', {})])
    return bySetting(keys ?? [], set.rows)
  })
  const steers = useMay('operator')
  const [draft, setDraft] = useState<Draft>()
  const [search, setSearch] = useSearchParams()
  const typed = (search.get('q') ?? '').toLowerCase()
  const shown = (asked.data ?? []).filter(({ key, said }) => [key.key, key.help, ...said.map((s) => where(s.level, s.subject))].some((t) => t.toLowerCase().includes(typed)))
  return (
    <>
      <div className="heading"><h1>{words.title}</h1></div>
      <Rules />
      <div>
        <h2 className="next">{words.set1}</h2>
        <p className="soft">{words.what} <Link href="/audit">{words.audit}</Link>.</p>
      </div>
      <div className="filters" role="search">
        <input type="search" value={search.get('q') ?? ''} placeholder={words.filter} aria-label={words.filter} onChange={(e) => setSearch(e.target.value === '' ? {} : { q: e.target.value }, { replace: true })} />
      </div>
      <Answer asked={asked}>
        {() => shown.length === 0 ? <div className="empty">{words.noMatch}</div> : (
          <div className="card settings">
            {shown.map(({ key, said }) => <Setting key={key.key} of={key} said={said} edit={steers ? (s) => setDraft({ key, level: 'organisation', subject: '', value: '', ...s }) : undefined} again={asked.again} />)}
          </div>
        )}
      </Answer>
      {draft && <Edit draft={draft} close={() => setDraft(undefined)} done={() => { setDraft(undefined); asked.again() }} />}
    </>
  )
}

interface SettingProps {
  of: SettingKey
  said: readonly Said[]
  edit?: (said?: Said) => void
  again: () => void
}

/** Text in which code stands between backticks. */
const coded = (text: string): ReactNode[] => text.split('`').map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))

function Setting({ of, said, edit, again }: SettingProps) {
  const [error, setError] = useState<Error>()
  const takeBack = ({ level, subject }: Said) => void body(api.DELETE('/api/v1/settings', { params: { query: { level: level as Level, subject, key: [of.key] } } })).then(again, setError)
  return (
    <section className="setting" aria-label={of.key}>
      <div>
        <h2><code>{of.key}</code> <span className="soft">{words.of[of.of]}</span></h2>
        <p>{coded(of.help)}.</p>
        <p className="soft hint">{coded(of.bounds)}.</p>
      </div>
      <div>
        <table className="plain">
          <tbody>
            {said.map((s) => (
              <tr key={`${s.level} ${s.subject}`}>
                <th scope="row">{where(s.level, s.subject)}</th><td>{s.value}</td>
                <td className="row-actions">{edit && <><button type="button" className="quiet" onClick={() => edit(s)}>{words.change}</button><Sure what={words.takeBack} act={() => takeBack(s)} /></>}</td>
              </tr>
            ))}
            <tr className="soft"><th scope="row">{words.standard}</th><td>{of.default}</td><td className="row-actions">{edit && <button type="button" className="quiet" aria-label={`${words.add}: ${of.key}`} onClick={() => edit()}>{words.add}</button>}</td></tr>
          </tbody>
        </table>
        {error && <Failure error={error} />}
      </div>
    </section>
  )
}

/** Says what would change, and only then changes it. */
function Edit({ draft, close, done }: { draft: Draft; close: () => void; done: () => void }) {
  const [level, setLevel] = useState(draft.level)
  const [change, setChange] = useState<Schemas['SettingsChange']>()
  const [alters, setAlters] = useState<Schemas['Alteration']>()
  const [error, setError] = useState<Error>()
  const names = useAsked(`subjects ${level}`, () => subjects(level))
  const put = (what: Schemas['SettingsChange'], dry: boolean) => body(api.PUT('/api/v1/settings', { params: { query: { dry_run: dry } }, body: what }))
  const forget = () => { setChange(undefined); setAlters(undefined); setError(undefined) }
  const look = async (fields: FormData) => {
    const what = { level: level as Level, subject: String(fields.get('subject') ?? ''), changes: [{ key: draft.key.key, value: String(fields.get('value')).trim() }] }
    forget()
    setAlters(await put(what, true))
    setChange(what)
  }
  const act = () => void put(change!, false).then(done, setError)
  return (
    <dialog className="sheet" aria-label={draft.key.key} ref={(d) => { if (d && !d.open) d.showModal() }} onClose={close}>
      <h2><code>{draft.key.key}</code></h2>
      <p className="soft said">{coded(draft.key.help)}.</p>
      <div onChange={forget}>
        <Form button={words.preview} send={look}>
          <Field label={words.level}><select value={level} onChange={(e) => setLevel(e.target.value)}>{(draft.key.levels ?? []).map((l) => <option key={l} value={l}>{l === 'organisation' ? words.levels[l] : words.subject[l]}</option>)}</select></Field>
          {level !== 'organisation' && (
            <Field label={words.subject[level] ?? level}>
              <input name="subject" list="setting-subjects" required defaultValue={level === draft.level ? draft.subject : ''} autoComplete="off" />
              <datalist id="setting-subjects">{(names.data ?? []).map((name) => <option key={name} value={name} />)}</datalist>
            </Field>
          )}
          <Field label={words.value} hint={draft.key.bounds}><input name="value" required maxLength={2048} defaultValue={draft.value} autoComplete="off" spellCheck={false} /></Field>
        </Form>
      </div>
      {error && <Failure error={error} />}
      {change && alters && <><Alters of={alters} /><div className="actions"><button type="button" className="main" onClick={act}>{words.set}</button></div></>}
      <form method="dialog"><button>{text.audit.close}</button></form>
    </dialog>
  )
}

/** Who a level can be about. */
async function subjects(level: string): Promise<string[]> {
  switch (level) {
    case 'tag': return (await rows('/api/v1/tags', {})).rows.map((t) => t.name)
    case 'site': return (await rows('/api/v1/sites', {}, 5000)).rows.map((s) => s.name)
    case 'endpoint': return (await rows('/api/v1/endpoints', {}, 1000)).rows.filter((e) => e.enrolled).map((e) => e.name)
  }
  return []
}
