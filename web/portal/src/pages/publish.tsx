// Publishing by upload, and the line that does it from a terminal.

import { useState, type DragEvent } from 'react'
import { Link, useSearchParams } from 'wouter'
import { api, body, Refusal, useAsked } from '../api.ts'
import { rate, share, size, span } from '../format.ts'
import { useMay } from '../me.ts'
import { Failure } from '../parts/bits.tsx'
import { Copy, Field } from '../parts/form.tsx'
import { KeyField, type Chosen as ChosenKey } from '../parts/key.tsx'
import { chosen, nameForm, pace, publishLine, refusedPath, suggested, versionForm, type Chosen } from '../publish/chosen.ts'
import { uploads, useUpload, type Upload } from '../publish/upload.ts'
import { text } from '../text.ts'

const t = text.publish
const isName = (name: string): boolean => new RegExp(`^${nameForm}$`).test(name)
const isVersion = (version: string): boolean => new RegExp(`^${versionForm}$`).test(version)

export default function Publish() {
  const upload = useUpload()
  const may = useMay('operator')
  const [search] = useSearchParams()
  const left = uploads.left()
  const [name, setName] = useState(upload?.name ?? left?.name ?? search.get('name') ?? '')
  const [version, setVersion] = useState(upload?.version ?? left?.version ?? '')
  const [what, setWhat] = useState<Chosen>()
  const take = (c: Chosen | undefined) => {
    setWhat(c)
    if (c && name === '') setName(suggested(c.title))
  }
  return (
    <>
      <div className="heading"><h1>{t.title}</h1></div>
      <div className="beside">
        {upload ? <Running upload={upload} /> : may ? <Begin name={name} version={version} what={what} setName={setName} setVersion={setVersion} setWhat={take} /> : <p className="soft">{text.wizard.mayNot}</p>}
        <section className="card">
          <h2>{t.cli}</h2>
          <p className="soft">{t.cliWhy}</p>
          <Copy label={t.command} value={publishLine(what?.title ?? '', name, version)} />
        </section>
      </div>
    </>
  )
}

interface Fields {
  name: string
  version: string
  what?: Chosen
  setName: (name: string) => void
  setVersion: (version: string) => void
  setWhat: (what: Chosen | undefined) => void
}

function Begin({ name, version, what, setName, setVersion, setWhat }: Fields) {
  const [key, setKey] = useState<ChosenKey>()
  const [left, setLeft] = useState(uploads.left)
  const there = useAsked(`there ${name}@${version}`, () => isThere(name, version))
  const bad = what && refusedPath(what)
  const ready = what && bad === undefined && key?.may && isName(name) && isVersion(version)
  const begin = () => {
    if (what && key && ready) uploads.begin({ name, version, kind: what.kind, entries: what.entries, key: { sign: key.key.sign, id: key.key.id } }, what)
  }
  return (
    <section className="card">
      {left && <p className="inset" role="status">{t.left(`${left.name}@${left.version}`, left.title)} <button type="button" className="link" onClick={() => { uploads.drop(); setLeft(undefined) }}>{t.forget}</button></p>}
      <p className="soft">{t.how}</p>
      <form className="form" onSubmit={(e) => { e.preventDefault(); begin() }}>
        <Pick what={what} folderFirst={left?.kind === 'tree'} set={setWhat} />
        {bad !== undefined && <p className="wrong-text" role="alert">{bad === '' ? t.paths : t.path(bad)}</p>}
        <div className="pair">
          <Field label={t.name} hint={t.nameHint}><input type="text" name="name" required maxLength={100} pattern={nameForm} value={name} spellCheck={false} autoCapitalize="none" onChange={(e) => setName(e.target.value)} /></Field>
          <Field label={t.version} hint={t.versionHint}><input type="text" name="version" required maxLength={100} pattern={versionForm} value={version} spellCheck={false} autoCapitalize="none" onChange={(e) => setVersion(e.target.value)} /></Field>
        </div>
        {there.data && <p className="soft" role="status">{t.taken(`${name}@${version}`)}</p>}
        <KeyField name={name} choose={setKey} />
        <button disabled={!ready}>{t.button}</button>
      </form>
    </section>
  )
}

async function isThere(name: string, version: string): Promise<boolean> {
  if (!isName(name) || !isVersion(version)) return false
  try {
    await body(api.GET('/api/v1/versions/{name}/{version}', { params: { path: { name, version } } }))
    return true
  } catch (error) {
    if (error instanceof Refusal && error.status !== 401) return false
    throw error
  }
}

/** A file or a folder: chosen, or a file that is dropped. */
function Pick({ what, folderFirst, set }: { what?: Chosen; folderFirst: boolean; set: (what: Chosen | undefined) => void }) {
  const [folder, setFolder] = useState(folderFirst)
  const [over, setOver] = useState(false)
  const drop = (e: DragEvent) => {
    e.preventDefault()
    setOver(false)
    const file = e.dataTransfer.files[0]
    if (file && !folder) set(chosen([file], false))
  }
  return (
    <fieldset className={`pick-what ${over ? 'over' : ''}`} onDragOver={(e) => { e.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)} onDrop={drop}>
      <legend className="soft">{t.what}</legend>
      <div className="choices">
        <label><input type="radio" name="what" checked={!folder} onChange={() => { setFolder(false); set(undefined) }} />{t.file}</label>
        <label><input type="radio" name="what" checked={folder} onChange={() => { setFolder(true); set(undefined) }} />{t.folder}</label>
      </div>
      <input key={String(folder)} type="file" name="content" aria-label={folder ? t.chooseFolder : t.choose} {...(folder ? { webkitdirectory: '' } : {})}
        onChange={(e) => set(chosen([...e.target.files ?? []], folder))} />
      {!folder && <span className="soft"> {t.drop}</span>}
      {what && <p role="status">{t.chosen(what.title, what.entries.length, size(what.bytes))}</p>}
    </fieldset>
  )
}

function Running({ upload: u }: { upload: Upload }) {
  const ref = `${u.name}@${u.version}`
  if (u.done) return <Done upload={u} />
  const going = pace(u.samples, u.total)
  const percent = u.total > 0 ? Math.min(100, (100 * u.settled) / u.total) : 100
  return (
    <section className="card">
      <h2>{t.moving(ref)}</h2>
      <div className="upload">
        <svg viewBox="0 0 100 6" preserveAspectRatio="none" role="progressbar" aria-label={t.moving(ref)} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.floor(percent)}>
          <rect className="rest" width="100" height="6" /><rect className="sent" width={percent} height="6" />
        </svg>
        <p><strong>{share(u.settled, u.total)}</strong> <span className="soft">{t.of(size(u.settled), size(u.total))}{going ? `, ${t.rate(rate(going.bps), span(going.left))}` : ''}; {t.sent(size(u.sent))}</span></p>
      </div>
      {u.failed ? (
        <>
          <Failure error={Object.assign(new Error(said(u.failed)), { hint: u.failed.hint })} />
          <div className="actions">
            {u.failed.code !== 'other_bytes' && <button type="button" onClick={uploads.goOn}>{t.goOn}</button>}
            <button type="button" className="quiet" onClick={uploads.drop}>{t.cancel}</button>
          </div>
        </>
      ) : (
        <>
          <p className="soft" role="status">{u.samples.length === 0 ? t.begins : t.leave}</p>
          <div className="actions"><button type="button" onClick={uploads.drop}>{t.cancel}</button></div>
        </>
      )}
    </section>
  )
}

function said(failed: NonNullable<Upload['failed']>): string {
  if (failed.code === 'other_bytes') return t.failed.other_bytes
  return failed.code === 'changed' ? t.failed.changed(failed.what) : failed.what
}

function Done({ upload: u }: { upload: Upload }) {
  const ref = `${u.name}@${u.version}`
  const done = u.done!
  const to = `/contents/${encodeURIComponent(u.name)}`
  return (
    <section className="card" role="status">
      <h2>{done.already ? t.already(ref) : t.done(ref)}</h2>
      <p className="soft">{t.doneText(size(done.bytes), size(done.newBytes), size(done.sent))}</p>
      <div className="actions">
        <Link href={`${to}/distribute?version=${encodeURIComponent(u.version)}`} className="button">{t.distribute}</Link>
        <Link href={to} className="button">{text.wizard.content}</Link>
        <button type="button" className="quiet" onClick={uploads.drop}>{t.another}</button>
      </div>
    </section>
  )
}
