// Why two endpoints of a site are linked or not, rung by rung, in words.

import { useState } from 'react'
import { api, body, type Schemas } from '../api.ts'
import { useEndpoints } from '../live.ts'
import { text } from '../text.ts'
import { Copy, Field, Form } from './form.tsx'

const words = text.endpoint.doctor

export function Doctor({ endpoint, site }: { endpoint: Schemas['EndpointView']; site: string }) {
  const others = useEndpoints(site).rows.filter((e) => e.id !== endpoint.id)
  const [report, setReport] = useState<Schemas['Report']>()
  const look = async (fields: FormData) => {
    setReport(undefined)
    setReport(await body(api.GET('/api/v1/sites/{name}/pair', { params: { path: { name: site }, query: { a: endpoint.id, b: String(fields.get('other')) } } })))
  }
  return (
    <section className="card">
      <h2>{words.title}</h2>
      <p className="soft">{words.what}</p>
      {others.length === 0 ? <p>{words.alone}</p> : (
        <Form button={words.run} send={look}>
          <Field label={words.other}><select name="other">{others.map((e) => <option key={e.id} value={e.id}>{e.name}</option>)}</select></Field>
        </Form>
      )}
      <div aria-live="polite">{report && <Rungs report={report} />}</div>
      <Copy label={words.here} value="sitecast doctor" />
    </section>
  )
}

function Rungs({ report }: { report: Schemas['Report'] }) {
  return (
    <>
      <p><strong>{report.linked ? words.linked : words.apart}</strong>{report.path && <span className="soft"> – {report.path}</span>}</p>
      <ol className="rungs">
        {(report.findings ?? []).map((f, i) => (
          <li key={i} className={`rung ${f.mark}`}>
            <span className="rung-mark">{words.marks[f.mark] ?? f.mark}</span>
            <span><strong>{f.rung}</strong>: {f.seen}{f.do && <span className="soft"> {f.do}</span>}</span>
          </li>
        ))}
      </ol>
      {report.advice && <p><strong>{words.todo}:</strong> {report.advice}</p>}
    </>
  )
}
