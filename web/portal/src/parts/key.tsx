// Choosing a publisher's key: it is read here, and said whether it may publish.

import { useEffect, useState } from 'react'
import { api, body, useAsked } from '../api.ts'
import { useMay } from '../me.ts'
import { base64, canSign, KeyError, makeKey, maxKeyBytes, readKey, standing, trusted, type Key, type Standing } from '../publish/key.ts'
import { text } from '../text.ts'
import { Failure } from './bits.tsx'
import { Field } from './form.tsx'

const t = text.publish

/** A key that was chosen, and whether it may publish under a name. */
export interface Chosen { key: Key; may: boolean }

export function KeyField({ name, choose }: { name: string; choose: (chosen: Chosen | undefined) => void }) {
  const trust = useAsked('trust', () => body(api.GET('/api/v1/trust')))
  const [key, setKey] = useState<Key>()
  const [bad, setBad] = useState(false)
  const [signs, setSigns] = useState(true)
  const [made, setMade] = useState(false)
  const stands = key && trust.data ? standing(trusted(trust.data.document), key.publicKey, name, Date.now()) : undefined
  const may = stands?.is === 'trusted'
  useEffect(() => { void canSign().then(setSigns) }, [])
  useEffect(() => choose(key && { key, may }), [key, may])
  const read = async (file?: File) => {
    setBad(false)
    setKey(undefined)
    if (file === undefined) return
    try {
      if (file.size > maxKeyBytes) throw new KeyError()
      setKey(await readKey(await file.text()))
    } catch {
      setBad(true)
    }
  }
  const make = async () => {
    const pem = await makeKey()
    save('publisher.key', pem)
    setKey(await readKey(pem))
    setMade(true)
  }
  if (!signs) return <p className="wrong-text" role="alert">{t.noSign}</p>
  return (
    <div className="key-field">
      <Field label={t.key} hint={t.keyHint}><input type="file" name="key" accept=".key,.pem" aria-invalid={bad} onChange={(e) => void read(e.target.files?.[0])} /></Field>
      {!key && !bad && <p className="soft">{t.noKey} <button type="button" className="link" onClick={() => void make()}>{t.make}</button></p>}
      {made && <p role="status">{t.made}</p>}
      {bad && <p className="wrong-text" role="alert">{t.badKey}</p>}
      {stands && <Stands stands={stands} keyOf={key!} again={trust.again} />}
    </div>
  )
}

function Stands({ stands, keyOf, again }: { stands: Standing; keyOf: Key; again: () => void }) {
  const admin = useMay('admin')
  const [name, setName] = useState('')
  const [error, setError] = useState<Error>()
  if (stands.is === 'trusted') return <p role="status"><span className="dot live" aria-hidden="true" /> {t.stands.trusted(stands.name)} <span className="soft">{t.keyID(keyOf.id)}</span></p>
  if (stands.is !== 'unknown') return <p className="wrong-text" role="alert">{t.stands[stands.is](stands.name)}</p>
  if (!admin) return <p className="wrong-text" role="alert">{t.unknown} {t.unknownOther}</p>
  const add = () => void body(api.POST('/api/v1/publishers', { body: { key: base64(keyOf.publicKey), name, prefixes: [''] } })).then(again, setError)
  return (
    <div className="inset" role="status">
      <p>{t.unknown} {t.unknownAdmin}</p>
      <Field label={t.addName}><input type="text" name="publisher" value={name} maxLength={100} onChange={(e) => setName(e.target.value)} /></Field>
      <button type="button" disabled={name.trim() === ''} onClick={add}>{t.add}</button>
      {error && <Failure error={error} />}
    </div>
  )
}

/** Has the browser save a text as a file. */
function save(name: string, content: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([content], { type: 'application/x-pem-file' }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
