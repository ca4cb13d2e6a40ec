// One endpoint: who and where it is, what it holds and takes part in, what holds for it, and
// whether it belongs.

import { useEffect, type ReactNode } from 'react'
import { Link } from 'wouter'
import { api, body, server, usePolled, useAsked, type Asked, type Schemas } from '../api.ts'
import { ago, count, share, size } from '../format.ts'
import { useEndpoints } from '../live.ts'
import { useNow } from '../now.ts'
import { cacheOf, type Cache, type Swarm } from '../cache.ts'
import { Activation } from '../parts/activation.tsx'
import { Answer, Freshness } from '../parts/bits.tsx'
import { Doctor } from '../parts/doctor.tsx'
import { Effective } from '../parts/effective.tsx'
import { Membership } from '../parts/membership.tsx'
import { Held as Quarantined } from '../parts/quarantine.tsx'
import { Timeline, Why } from '../parts/story.tsx'
import { SiteZone, When } from '../parts/when.tsx'
import { text } from '../text.ts'

/** How often is asked for what is not in the stream, in milliseconds. */
const every = 10_000

type Shown = Schemas['ShownEndpoint']

const words = text.endpoint

export default function Endpoint({ id }: { id: string }) {
  const asked = usePolled(`endpoint ${id}`, every, () => body(api.GET('/api/v1/endpoints/{id}', { params: { path: { id } } })))
  if (asked.data === undefined) return <><div className="heading"><h1>{text.endpoint.one}</h1></div><Answer asked={asked}>{() => null}</Answer></>
  return <Answer asked={asked}>{(shown) => <Followed shown={shown} again={asked.again} />}</Answer>
}

/** Lays what the stream of its site tells over what was asked for. */
function Followed({ shown, again }: { shown: Shown; again: () => void }) {
  const { rows, link, error } = useEndpoints(shown.site)
  const now = rows.find((e) => e.id === shown.id)
  const changed = shown.site !== '' && link === 'live' && (now !== undefined) !== shown.online
  const holds = (now?.holds ?? []).join(' ')
  useEffect(() => { if (changed) again() }, [changed, again])
  useEffect(() => { if (holds !== '') again() }, [holds, again])
  const endpoint: Shown = now ? { ...shown, ...now } : shown
  const policy = useAsked(`policy of ${shown.id} at ${shown.site}`, () => body(api.GET('/api/v1/policy', { params: { query: { endpoint: shown.id } } })))
  const enrolled = endpoint.enrolled !== undefined
  return (
    <SiteZone site={endpoint.site}>
      <div className="heading"><h1>{endpoint.name || endpoint.id}</h1>{shown.site !== '' && <Freshness link={link} error={error} />}</div>
      {endpoint.quarantine && <section className="card"><h2>{words.quarantine.title}</h2><p className="soft">{words.quarantine.one}</p><Quarantined q={endpoint.quarantine} settled={again} /></section>}
      <div className="halves">
        <div>
          <Facts endpoint={endpoint} policy={enrolled ? policy.data : undefined} />
          <Holds endpoint={endpoint} settings={policy.data?.settings ?? []} />
          <Parts endpoint={endpoint} />
        </div>
        <div>
          {endpoint.activation && <Activation of={endpoint.activation} />}
          {endpoint.site !== '' && endpoint.online && <Doctor endpoint={endpoint} site={endpoint.site} />}
          {enrolled && <Section title={words.policy.title} asked={policy}>{(p) => <Effective settings={p.settings ?? []} />}</Section>}
          <Membership endpoint={endpoint} again={again} />
        </div>
      </div>
    </SiteZone>
  )
}

function Section<T>({ title, asked, children }: { title: string; asked: Asked<T>; children: (data: T) => ReactNode }) {
  return <section className="card"><h2>{title}</h2><Answer asked={asked}>{children}</Answer></section>
}

function Facts({ endpoint: e, policy }: { endpoint: Shown; policy?: Schemas['Explained'] }) {
  const now = useNow()
  const at = (site: string) => <Link href={`/sites/${encodeURIComponent(site)}`}>{site}</Link>
  const facts: [string, ReactNode][] = [
    [text.columns.state, <><span className={`dot ${e.quarantined ? 'held' : e.online ? 'live' : ''}`} aria-hidden="true" /> {e.revocation ? text.endpoints.revoked : e.quarantined ? text.endpoints.quarantined : e.online ? words.live : words.offline}</>],
    e.online ? [words.online, <><When at={e.since} /> <span className="soft">({ago(e.since, now)})</span></>] : [words.seen, <><When at={e.last_seen} /> <span className="soft">({ago(e.last_seen, now)})</span></>],
    [text.columns.site, e.site ? at(e.site) : '–'],
  ]
  if (e.enrolled && e.enrolled !== e.site) facts.push([words.enrolledAt, at(e.enrolled)])
  if (e.evidence) facts.push([words.evidence, e.evidence])
  if (e.enrolled) facts.push([words.roams, e.roaming ? words.roamsYes : words.no])
  facts.push([text.columns.kind, e.kind], [words.agent, e.version || words.unknown], [text.columns.address, e.address || words.unknown])
  if (e.online) facts.push([words.links, count(e.links)])
  if (policy) facts.push([words.tags, (policy.tags ?? []).join(', ') || words.none])
  if (e.restraints?.length) facts.push([words.restraints, <ul className="list">{e.restraints.map((r) => <li key={r}>{r}</li>)}</ul>])
  if (e.reported_by?.length) facts.push([words.reported, <span className="late-text">{e.reported_by.join(', ')}</span>])
  facts.push([words.id, <code>{e.id}</code>])
  return (
    <section className="card">
      <h2>{words.facts}</h2>
      <dl className="facts">{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
    </section>
  )
}

const valueOf = (settings: readonly Schemas['Effective'][], key: string): string | undefined => {
  const value = settings.find((s) => s.key === key)?.value
  return value === 'none' ? undefined : value
}

/** How full its store is, as the swarm of its site tells. */
function useCache({ id, site, online }: Shown): Cache | undefined {
  const asked = usePolled(`cache of ${id} at ${site} ${online}`, every, async (signal): Promise<Swarm> => {
    if (!online || site === '') return {}
    const answer = await fetch(new URL(`/api/v1/sites/${encodeURIComponent(site)}/swarm`, server.baseUrl), { signal })
    return answer.ok ? await answer.json() as Swarm : {}
  })
  return asked.data && cacheOf(asked.data, id)
}

function Holds({ endpoint, settings }: { endpoint: Shown; settings: readonly Schemas['Effective'][] }) {
  const held = endpoint.held ?? []
  const cache = useCache(endpoint)
  const quota = valueOf(settings, 'cache_quota'), floor = valueOf(settings, 'cache_floor')
  return (
    <section className="card">
      <h2>{words.held.title}</h2>
      {cache && (
        <p>
          <meter min={0} max={Math.max(1, cache.budget)} value={cache.used} aria-label={words.held.cache(size(cache.used), size(cache.budget))} />
          {' '}{words.held.cache(size(cache.used), size(cache.budget))}
        </p>
      )}
      {held.length === 0 ? <p className="soft">{endpoint.online ? words.held.none : words.held.unknown}</p> : (
        <>
          <table className="plain">
            <thead><tr><th scope="col">{text.columns.content}</th><th scope="col">{text.columns.version}</th><th scope="col" className="figure">{text.columns.size}</th></tr></thead>
            <tbody>
              {held.map((h) => (
                <tr key={`${h.content}@${h.version}`}><td><Link href={`/contents/${encodeURIComponent(h.content)}`}>{h.content}</Link></td><td>{h.version}</td><td className="figure">{h.bytes > 0 ? size(h.bytes) : words.held.removed}</td></tr>
              ))}
            </tbody>
          </table>
          <p className="soft">{words.held.sum(size(held.reduce((sum, h) => sum + h.bytes, 0)))}</p>
        </>
      )}
      {endpoint.enrolled && <p className="soft">{quota ? words.held.budget(quota) : words.held.noBudget} {floor && words.held.floor(floor)}</p>}
    </section>
  )
}

/** Its part in each flow, why it moves or does not, and how that came about. */
function Parts({ endpoint }: { endpoint: Shown }) {
  const now = useNow(every / 2)
  const asked = usePolled(`story of ${endpoint.id}`, every / 2, () => body(api.GET('/api/v1/endpoints/explain', { params: { query: { endpoint: endpoint.id } } })))
  return (
    <Section title={words.flows.title} asked={asked}>
      {(story) => (
        <>
          <Why why={story.why} now={now} />
          {(story.flows ?? []).length === 0 ? <p className="soft">{words.flows.none}</p> : story.flows!.map((part) => {
            const is = endpoint.flows?.find((f) => f.flow === part.flow)
            return (
              <article key={part.flow} className="part">
                <h3>{part.flow} {is && <span className="soft">{share(is.held, is.chunks)}</span>}</h3>
                {is && <meter min={0} max={Math.max(1, is.chunks)} value={is.held} aria-label={`${part.flow}: ${share(is.held, is.chunks)}`} />}
                <Why why={part.why} now={now} />
                {is?.error && <p className="late-text">{is.error}</p>}
                {part.source && part.source.code !== part.why.code && <p className="soft">{words.flows.source}: {part.source.text}</p>}
                <details>
                  <summary>{words.flows.history}</summary>
                  {part.history?.length ? <Timeline moments={part.history} /> : <p className="soft">{words.flows.never}</p>}
                </details>
              </article>
            )
          })}
        </>
      )}
    </Section>
  )
}
