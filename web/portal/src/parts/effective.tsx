// What holds at a site or an endpoint, which level says so, and what it overrides.

import { Link } from 'wouter'
import type { Schemas } from '../api.ts'
import { where } from '../rules.ts'
import { text } from '../text.ts'

const words = text.endpoint.policy

export function Effective({ settings }: { settings: readonly Schemas['Effective'][] }) {
  return (
    <div className="wide">
      <table className="plain effective">
        <thead><tr><th scope="col">{text.site.setting}</th><th scope="col">{text.site.value}</th><th scope="col">{text.site.level}</th></tr></thead>
        <tbody>
          {settings.map((s) => (
            <tr key={s.key} className={s.level === 'default' ? 'soft' : undefined}>
              <th scope="row"><Link href={`/settings?q=${encodeURIComponent(s.key)}`}>{s.key}</Link></th>
              <td>{s.value}</td>
              <td>
                {s.level === 'default' ? words.standard : where(s.level, s.subject)}
                {(s.overridden ?? []).filter((o) => o.level !== 'default').map((o) => <div key={`${o.level} ${o.subject}`} className="soft">{words.over(o.value, where(o.level, o.subject))}</div>)}
                {s.conflict && <div className="late-text">{s.conflict}</div>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
