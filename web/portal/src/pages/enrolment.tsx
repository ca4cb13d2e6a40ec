// Brings endpoints in: a token for a site, and what to run where with it.

import { useState } from 'react'
import { api, body, rows, useAsked } from '../api.ts'
import { Answer } from '../parts/bits.tsx'
import { Field, Form } from '../parts/form.tsx'
import { Install, type Made } from '../parts/install.tsx'
import { NewSite } from '../parts/siteform.tsx'
import { text } from '../text.ts'

const most = 5000
const hour = 3600 // seconds

export default function Enrolment() {
  const sites = useAsked('enrolment sites', () => rows('/api/v1/sites', {}, most))
  const [made, setMade] = useState<Made>()
  const make = async (fields: FormData) => {
    const site = String(fields.get('site'))
    const request = { site, uses: Number(fields.get('uses')), ttl_seconds: Number(fields.get('hours')) * hour, roaming: fields.get('roaming') === 'on' }
    const answer = await body(api.POST('/api/v1/enrolments', { body: request }))
    setMade({ site, ...answer })
  }
  return (
    <>
      <div className="heading"><h1>{text.enrolment.title}</h1></div>
      <p className="soft">{text.enrolment.what}</p>
      <div className="columns">
        <section className="card">
          <h2>{text.enrolment.make}</h2>
          <Answer asked={sites}>
            {({ rows: all }) => all.length === 0 ? <NewSite made={sites.again} /> : (
              <Form button={text.enrolment.button} send={make}>
                <Field label={text.columns.site}>
                  <input name="site" list="all-sites" required autoComplete="off" defaultValue={all.length === 1 ? all[0]!.name : ''} />
                  <datalist id="all-sites">{all.map((s) => <option key={s.name} value={s.name} />)}</datalist>
                </Field>
                <Field label={text.enrolment.uses} hint={text.enrolment.usesHint}><input name="uses" type="number" min={1} max={10000} defaultValue={20} required /></Field>
                <Field label={text.enrolment.hours}><input name="hours" type="number" min={1} max={720} defaultValue={24} required /></Field>
                <label><input name="roaming" type="checkbox" /> {text.enrolment.roaming}</label>
              </Form>
            )}
          </Answer>
        </section>
        {made && <section className="card"><Install key={made.token} {...made} /></section>}
      </div>
    </>
  )
}
