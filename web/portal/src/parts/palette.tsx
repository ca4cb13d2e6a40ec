// Goes anywhere by typing: pages, sites, contents and endpoints. Ctrl K, or Cmd K, opens it.

import { useEffect, useId, useRef, useState } from 'react'
import { useLocation } from 'wouter'
import { rows, useAsked } from '../api.ts'
import { text } from '../text.ts'

interface Place {
  name: string
  kind: string
  path: string
}

type Pages = readonly (readonly [path: string, title: string, ...more: unknown[]])[]

const most = 8 // of each kind

async function places(typed: string): Promise<Place[]> {
  if (typed === '') return []
  const [sites, contents, endpoints] = await Promise.all([
    rows('/api/v1/sites', { prefix: typed, limit: most }, most), rows('/api/v1/contents', { prefix: typed, limit: most }, most),
    rows('/api/v1/endpoints', { text: typed, limit: most }, most),
  ])
  return [
    ...sites.rows.map((s) => ({ name: s.name, kind: text.columns.site, path: `/sites/${encodeURIComponent(s.name)}` })),
    ...contents.rows.map((c) => ({ name: c.name, kind: text.columns.content, path: `/contents/${encodeURIComponent(c.name)}` })),
    ...endpoints.rows.map((e) => ({ name: e.name, kind: `${text.columns.endpoint}, ${e.site}`, path: `/endpoints?text=${encodeURIComponent(e.name)}` })),
  ]
}

export function Palette({ pages }: { pages: Pages }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [open, setOpen] = useState(false)
  useEffect(() => {
    const key = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key === 'k') {
        e.preventDefault()
        setOpen(true)
      }
    }
    window.addEventListener('keydown', key)
    return () => window.removeEventListener('keydown', key)
  }, [])
  useEffect(() => {
    if (open) dialog.current?.showModal()
  }, [open])
  return (
    <>
      <button type="button" className="find" onClick={() => setOpen(true)}>{text.nav.find} <kbd>Ctrl K</kbd></button>
      <dialog ref={dialog} className="palette" aria-label={text.nav.find} onClose={() => setOpen(false)}>
        {open && <Search pages={pages} close={() => dialog.current?.close()} />}
      </dialog>
    </>
  )
}

function Search({ pages, close }: { pages: Pages; close: () => void }) {
  const [typed, setTyped] = useState('')
  const [chosen, setChosen] = useState(0)
  const [, go] = useLocation()
  const id = useId()
  const found = useAsked(`palette ${typed}`, () => places(typed.trim()))
  const matching = pages.filter(([, title]) => title.toLowerCase().includes(typed.trim().toLowerCase()))
  const all: Place[] = [...matching.map(([path, name]) => ({ name, kind: '', path })), ...(found.data ?? [])]
  const at = Math.min(chosen, Math.max(0, all.length - 1))
  const open = (place: Place | undefined) => {
    if (place === undefined) return
    close()
    go(place.path)
  }
  const key = (e: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[e.key]
    if (step !== undefined) setChosen((at + step + all.length) % Math.max(1, all.length))
    else if (e.key === 'Enter') open(all[at])
    else return
    e.preventDefault()
  }
  return (
    <>
      <input type="search" autoFocus value={typed} placeholder={text.nav.find} aria-label={text.nav.find} role="combobox" aria-expanded="true" aria-controls={id}
        aria-activedescendant={all.length > 0 ? `${id}-${at}` : undefined} onChange={(e) => { setTyped(e.target.value); setChosen(0) }} onKeyDown={key} />
      <ul id={id} role="listbox" aria-label={text.nav.find}>
        {all.map((place, i) => (
          <li key={`${place.path} ${i}`} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseEnter={() => setChosen(i)} onClick={() => open(place)}>
            <span>{place.name}</span><span className="soft">{place.kind}</span>
          </li>
        ))}
      </ul>
      <p className="soft">{all.length === 0 ? text.palette.none : text.palette.hint}</p>
    </>
  )
}
