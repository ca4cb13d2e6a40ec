// When something was or will be: in the zone of the site that it is about, and in the viewer's
// for who points at it.

import { createContext, useContext, type ReactNode } from 'react'
import { api, body, useAsked } from '../api.ts'
import { zoned } from '../zone.ts'

const Zone = createContext<string | undefined>(undefined)

/** Times in it are those of a site; "" stands for none. */
export function SiteZone({ site, children }: { site: string; children: ReactNode }) {
  const asked = useAsked(`zone ${site}`, async () => (site === '' ? '' : (await body(api.GET('/api/v1/sites/{name}', { params: { path: { name: site } } }))).tz ?? ''))
  return <Zone value={asked.data}>{children}</Zone>
}

export function When({ at }: { at: string | undefined }) {
  const { text, title } = zoned(at, useContext(Zone))
  return <time dateTime={at} title={title} className={title && 'abroad'}>{text}</time>
}
