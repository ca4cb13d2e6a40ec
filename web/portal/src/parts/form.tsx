// What forms are made of: a field with its name, a button that waits for its answer, and
// text that is for copying.

import { useState, type FormEvent, type ReactNode } from 'react'
import { text } from '../text.ts'
import { Failure } from './bits.tsx'

export function Field({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return <label className="field"><span>{label}</span>{children}{hint && <span className="soft hint">{hint}</span>}</label>
}

/** Sends what its fields hold, by name, and says what came of it. */
export function Form({ button, send, children }: { button: string; send: (fields: FormData) => Promise<void>; children: ReactNode }) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<Error>()
  const submit = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault()
    setBusy(true)
    setError(undefined)
    send(new FormData(e.currentTarget)).catch(setError).finally(() => setBusy(false))
  }
  return (
    <form className="form" onSubmit={submit}>
      {children}
      <button disabled={busy}>{busy ? text.loading : button}</button>
      {error && <Failure error={error} />}
    </form>
  )
}

/** Text for copying: a command, or a secret that is shown once. */
export function Copy({ label, value }: { label: string; value: string }) {
  const [done, setDone] = useState(false)
  const copy = () => void navigator.clipboard.writeText(value).then(() => setDone(true))
  return (
    <div className="copy">
      <div className="copy-head"><span className="soft">{label}</span><button type="button" className="quiet" onClick={copy}>{done ? text.copy.done : text.copy.copy}</button></div>
      <pre tabIndex={0} aria-label={label}><code>{value}</code></pre>
    </div>
  )
}

/** Asks once more before something that can't be taken back. */
export function Sure({ what, act }: { what: string; act: () => void }) {
  const [asked, setAsked] = useState(false)
  if (!asked) return <button type="button" className="quiet" onClick={() => setAsked(true)}>{what}</button>
  return (
    <span className="sure">
      <button type="button" className="wrong" autoFocus onClick={act}>{text.sure.yes(what)}</button>
      <button type="button" className="quiet" onClick={() => setAsked(false)}>{text.sure.no}</button>
    </span>
  )
}
