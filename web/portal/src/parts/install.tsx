// What to run on an endpoint with a token that was just made: as text to copy, or as a QR code
// that a scanner types.

import { useState } from 'react'
import type { Schemas } from '../api.ts'
import { time } from '../format.ts'
import { anyApp, installs, named, typed, type System } from '../installs.ts'
import { text } from '../text.ts'
import { Copy, Field } from './form.tsx'
import { QR } from './qr.tsx'

const words = text.endpoint.qr

export type Made = Schemas['MadeEnrolment'] & { site: string }

export function Install({ site, token, expires }: Made) {
  const [system, setSystem] = useState<System>('linux')
  const [typedApp, setApp] = useState('')
  const file = `${site}.token`
  const app = named(typedApp) ? typedApp : anyApp
  const whole = system !== 'kiosk' || app !== anyApp
  return (
    <div aria-live="polite">
      <p><strong>{text.enrolment.made(site)}</strong></p>
      <p className="soft">{text.enrolment.once(time(expires))}</p>
      <Copy label={text.enrolment.token} value={token} />
      <div className="tabs" role="group" aria-label={text.enrolment.system}>
        {(Object.keys(text.enrolment.systems) as System[]).map((s) => <button key={s} type="button" aria-pressed={s === system} onClick={() => setSystem(s)}>{text.enrolment.systems[s]}</button>)}
      </div>
      {system === 'kiosk' && <Field label={words.app} hint={words.appHint}><input value={typedApp} onChange={(e) => setApp(e.target.value)} maxLength={100} autoComplete="off" spellCheck={false} /></Field>}
      <Copy label={text.enrolment.run} value={installs(system, window.location.origin, file, app)} />
      <Codes key={system} line={whole ? typed(system, window.location.origin, file, token, app) : undefined} token={token} first={system === 'kiosk'} />
    </div>
  )
}

/** Codes of the line, where it is known, and of the token. */
function Codes({ line, token, first }: { line?: string; token: string; first: boolean }) {
  const [shown, setShown] = useState(first)
  const [what, setWhat] = useState<'line' | 'token'>('line')
  if (!shown) return <div className="actions"><button type="button" onClick={() => setShown(true)}>{words.show}</button></div>
  return (
    <>
      <div className="tabs" role="group" aria-label={words.title}>
        {(['line', 'token'] as const).map((w) => <button key={w} type="button" aria-pressed={w === what} onClick={() => setWhat(w)}>{words[w]}</button>)}
        <button type="button" className="quiet" onClick={() => setShown(false)}>{words.hide}</button>
      </div>
      {what === 'line' && line === undefined ? <p>{words.first}</p> : <QR value={what === 'line' ? line! : token} label={words[what]} />}
      <p className="soft hint">{words.what[what]}</p>
      {what === 'line' && line && <pre tabIndex={0} aria-label={words.line}><code>{line.trim()}</code></pre>}
    </>
  )
}
