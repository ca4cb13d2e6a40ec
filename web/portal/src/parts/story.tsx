// Why a flow moves or does not: what holds now, what could be done, and how it came about,
// for the flow and for each endpoint that lacks something.

import { api, body, usePolled, type Schemas } from '../api.ts'
import { ago } from '../format.ts'
import type { Flow } from '../live.ts'
import { useNow } from '../now.ts'
import { text } from '../text.ts'
import { Answer } from './bits.tsx'
import { SiteZone, When } from './when.tsx'

const again = 5000 // milliseconds until it is asked for anew

export function Story({ flow, close }: { flow: Flow; close: () => void }) {
  return (
    <dialog className="sheet" aria-label={text.story.title} ref={(d) => { if (d && !d.open) d.showModal() }} onClose={close}>
      <h2>{flow.content}@{flow.version} · {flow.site}</h2>
      <SiteZone site={flow.site}><Told flow={flow} /></SiteZone>
      <form method="dialog"><button>{text.audit.close}</button></form>
    </dialog>
  )
}

function Told({ flow }: { flow: Flow }) {
  const now = useNow(again)
  const asked = usePolled(`story ${flow.site} ${flow.content}@${flow.version}`, again, () => body(api.GET('/api/v1/flows/explain', {
    params: { query: { site: flow.site, content: flow.content, version: flow.version, endpoints: true } },
  })))
  return (
    <Answer asked={asked}>
      {(story) => (
        <>
          <Why why={flow.why} now={now} />
          <Timeline moments={story.history ?? []} />
          {(story.endpoints ?? []).map((part) => (
            <details key={part.endpoint}>
              <summary>{part.name}: {part.why.text}</summary>
              {part.why.do && <p className="soft">{part.why.do}</p>}
              <Timeline moments={part.history ?? []} />
            </details>
          ))}
        </>
      )}
    </Answer>
  )
}

export function Why({ why, now }: { why: Schemas['Why']; now: number }) {
  return (
    <>
      <p><strong>{why.text}</strong> <span className="soft">{text.story.since(ago(why.since, now))}</span></p>
      {why.do && <p className="soft">{why.do}</p>}
    </>
  )
}

/** Changes, the newest first. */
export function Timeline({ moments }: { moments: readonly Schemas['Moment'][] }) {
  return (
    <ol className="timeline" reversed>
      {[...moments].reverse().map((m) => (
        <li key={`${m.at} ${m.code}`}>
          <span className="soft"><When at={m.last ?? m.at} /></span>
          <span>{m.text}{m.times && m.times > 1 ? <span className="soft"> {text.story.times(m.times)}</span> : null}</span>
        </li>
      ))}
    </ol>
  )
}
