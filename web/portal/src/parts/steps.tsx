// The steps of the guide to the first delivery.

import { useState, type ReactNode } from 'react'
import { Link } from 'wouter'
import { api, body, rows, usePolled } from '../api.ts'
import { done, next, steps, type Step } from '../guide.ts'
import { useFlows, type Overview } from '../live.ts'
import { useMay } from '../me.ts'
import { text } from '../text.ts'
import { Answer, Progress, State } from './bits.tsx'
import { Copy, Field, Form } from './form.tsx'
import { Install, type Made } from './install.tsx'
import { NewSite } from './siteform.tsx'

const words = text.endpoint.guide
const every = 5000 // milliseconds
const day = 86_400 // seconds
const few = 100 // sites and contents to choose from

export default function Steps({ sum, put }: { sum: Overview; put: () => void }) {
  const is = done(sum), now = next(is)
  return (
    <section className="card guide" aria-label={words.title}>
      <div className="copy-head"><h2>{words.title}</h2><button type="button" className="quiet" onClick={put}>{words.put}</button></div>
      <ol>
        {steps.map((step, i) => {
          const how = is.has(step) ? 'done' : step === now ? 'now' : 'later'
          return (
            <li key={step} className={how} aria-current={step === now ? 'step' : undefined}>
              <span className="tick" aria-hidden="true">{how === 'done' ? '✓' : i + 1}</span>
              <div>
                <h3>{words.steps[step]} <span className="soft">{how === 'done' ? words.ticked : how === 'now' ? words.now : ''}</span></h3>
                {how === 'now' && <p className="soft">{words.what[step]}</p>}
                {(how === 'now' || step === 'endpoint' && is.has('site') && !is.has('complete')) && <Do step={step} enrolled={is.has('endpoint')} />}
              </div>
            </li>
          )
        })}
      </ol>
    </section>
  )
}

/** What does a step, right there. */
function Do({ step, enrolled }: { step: Step; enrolled: boolean }) {
  switch (step) {
    case 'site': return <For role="admin"><NewSite made={() => undefined} /></For>
    case 'endpoint': return <Enrol enrolled={enrolled} />
    case 'publish': return <><Copy label={text.enrolment.run} value={words.publish} /><p><Link href="/contents">{words.contents}</Link></p></>
    case 'distribute': return <For role="operator"><Order /></For>
    case 'complete': return <Moving />
  }
}

function For({ role, children }: { role: 'operator' | 'admin'; children: ReactNode }) {
  return useMay(role) ? children : <p>{words.admin}</p>
}

const useSites = () => usePolled('guide sites', every, () => rows('/api/v1/sites', {}, few))

function SiteField({ names }: { names: readonly string[] }) {
  return <Field label={words.site}><select name="site">{names.map((name) => <option key={name}>{name}</option>)}</select></Field>
}

/** A token, and the line to run with it; it stays there when the first endpoint came in. */
function Enrol({ enrolled }: { enrolled: boolean }) {
  const admin = useMay('admin')
  const sites = useSites()
  const [made, setMade] = useState<Made>()
  const make = async (fields: FormData) => {
    const site = String(fields.get('site'))
    setMade({ site, ...await body(api.POST('/api/v1/enrolments', { body: { site, uses: 20, ttl_seconds: day } })) })
  }
  if (made) return <Install {...made} />
  if (enrolled) return null
  if (!admin) return <p>{words.admin}</p>
  return <Answer asked={sites}>{({ rows: all }) => <Form button={text.enrolment.button} send={make}><SiteField names={all.map((s) => s.name)} /></Form>}</Answer>
}

function Order() {
  const sites = useSites()
  const contents = usePolled('guide contents', every, () => rows('/api/v1/contents', {}, few))
  const order = async (fields: FormData) => {
    const [name, version] = String(fields.get('content')).split('@') as [string, string]
    await body(api.POST('/api/v1/distributions', { body: { name, version, sites: [String(fields.get('site'))], priority: 'normal' } }))
  }
  return (
    <Answer asked={contents}>
      {({ rows: all }) => (
        <Form button={words.order} send={order}>
          <Field label={words.content}><select name="content">{all.map((c) => <option key={c.name}>{c.name}@{c.newest.version}</option>)}</select></Field>
          <SiteField names={(sites.data?.rows ?? []).map((s) => s.name)} />
        </Form>
      )}
    </Answer>
  )
}

/** The first flows, as they move. */
function Moving() {
  const { rows: flows } = useFlows()
  if (flows.length === 0) return <p className="soft">{words.waiting}</p>
  return (
    <ul className="list moving">
      {flows.slice(0, 5).map((f) => (
        <li key={`${f.site} ${f.content}@${f.version}`}><span><strong>{f.content}@{f.version}</strong> · <Link href={`/sites/${encodeURIComponent(f.site)}`}>{f.site}</Link></span><State of={f.state} /><Progress flow={f} /><span className="soft">{f.why?.text}</span></li>
      ))}
    </ul>
  )
}
