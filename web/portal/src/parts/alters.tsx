// What a change of settings would alter of what holds, before it is made.

import type { Schemas } from '../api.ts'
import { text } from '../text.ts'

const words = text.endpoint.settings
const most = 20 // sites and endpoints that are named

export function Alters({ of }: { of: Schemas['Alteration'] }) {
  const all = (of.altered ?? []).flatMap((a) => (a.values ?? []).map((v) => ({ who: a.name || a.endpoint || a.site, ...v })))
  const left = of.sites + of.endpoints - Math.min(most, (of.altered ?? []).length)
  return (
    <div aria-live="polite">
      <p>{words.alters(of.sites, of.endpoints)}</p>
      <ul className="alters">{all.slice(0, most).map((v, i) => <li key={i}>{words.altered(v.who, v.key, v.before.value, v.after.value)}</li>)}</ul>
      {left > 0 && all.length > 0 && <p className="soft">{words.more(left)}</p>}
    </div>
  )
}
