// Which version a kiosk shows, what becomes of the next, and how the last ones went.

import type { Schemas } from '../api.ts'
import { text } from '../text.ts'
import { When } from './when.tsx'

const words = text.endpoint.activation

export function Activation({ of }: { of: Schemas['Activation'] }) {
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <dl className="facts">
        <dt>{words.content}</dt><dd>{of.content}</dd>
        <dt>{words.active}</dt><dd>{of.version || words.nothing}</dd>
        <dt>{words.state}</dt><dd><span className={`shows ${of.state}`}>{words.states[of.state] ?? of.state}</span>{of.reason && <pre tabIndex={0}><code>{of.reason}</code></pre>}</dd>
        {of.staged && <><dt>{words.next}</dt><dd>{of.staged}</dd></>}
        {of.since && <><dt>{words.since}</dt><dd><When at={of.since} /></dd></>}
      </dl>
      {of.history && of.history.length > 0 && (
        <>
          <h3>{words.history}</h3>
          <ol className="timeline">
            {of.history.map((h) => (
              <li key={`${h.at} ${h.version}`}>
                <span className="soft"><When at={h.at} /></span>
                <span><strong>{h.version}</strong> {words.outcomes[h.outcome] ?? h.outcome}{h.from && <span className="soft"> {words.from(h.from)}</span>}{h.reason && <pre tabIndex={0}><code>{h.reason}</code></pre>}</span>
              </li>
            ))}
          </ol>
        </>
      )}
    </section>
  )
}
