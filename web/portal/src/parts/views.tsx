// The saved views of the flows: one click each, and a name for the one that is shown.

import { useEffect, useState } from 'react'
import { Link, useSearchParams } from 'wouter'
import { api, body, useAsked } from '../api.ts'
import { text } from '../text.ts'
import { put, worth, type SavedView } from '../views.ts'
import { Failure } from './bits.tsx'
import { Field, Form } from './form.tsx'

export function Views() {
  const [search] = useSearchParams()
  const { views, save, error } = useViews()
  const [naming, setNaming] = useState(false)
  const [failed, setFailed] = useState<Error>()
  const here = worth(search)
  const mine = views.filter((v) => v.page === 'flows')
  const shown = mine.find((v) => v.query === here)
  const remove = (name: string) => save(views.filter((v) => v.name !== name)).catch(setFailed)
  return (
    <div className="views" role="group" aria-label={text.travel.views}>
      {mine.map((v) => (
        <span key={v.name} className="view">
          <Link href={`/flows${v.query === '' ? '' : `?${v.query}`}`} aria-current={v === shown ? 'true' : undefined}>{v.name}</Link>
          {v === shown && <button type="button" className="quiet" aria-label={text.travel.removeView(v.name)} title={text.travel.removeView(v.name)} onClick={() => void remove(v.name)}>×</button>}
        </span>
      ))}
      {shown === undefined && here !== '' && <button type="button" className="quiet" onClick={() => setNaming(true)}>{text.travel.saveView}</button>}
      {(failed ?? error) && <Failure error={(failed ?? error)!} />}
      {naming && (
        <dialog className="sheet" aria-label={text.travel.saveView} ref={(d) => { if (d && !d.open) d.showModal() }} onClose={() => setNaming(false)}>
          <h2>{text.travel.saveView}</h2>
          <p className="soft">{text.travel.viewsWhat}</p>
          <Form button={text.travel.save} send={async (fields) => {
            await save(put(views, { name: String(fields.get('name')).trim(), page: 'flows', query: here }))
            setNaming(false)
          }}>
            <Field label={text.travel.viewName}><input name="name" required maxLength={60} pattern=".*\S.*" autoFocus autoComplete="off" /></Field>
          </Form>
          <form method="dialog"><button>{text.sure.no}</button></form>
        </dialog>
      )}
    </div>
  )
}

/** One's own views, kept by the server: they are the same on another computer. */
function useViews(): { views: readonly SavedView[]; save: (views: SavedView[]) => Promise<void>; error?: Error } {
  const asked = useAsked('views', () => body(api.GET('/api/v1/me/views')))
  const [views, setViews] = useState<readonly SavedView[]>([])
  useEffect(() => setViews(asked.data?.views ?? []), [asked.data])
  const save = async (next: SavedView[]) => {
    await body(api.PUT('/api/v1/me/views', { body: { views: next } }))
    setViews(next)
  }
  return { views, save, error: asked.error }
}
