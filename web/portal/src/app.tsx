// The frame around every page: where one is, where one can go, and who one is.

import { Suspense, lazy, useEffect } from 'react'
import { Link, Route, Switch, useLocation } from 'wouter'
import { api, body, useAsked, type Schemas } from './api.ts'
import { Me, useMay } from './me.ts'
import { Palette } from './parts/palette.tsx'
import { Overview } from './pages/overview.tsx'
import { text } from './text.ts'

// What is looked at less often is loaded when it is.
const Flows = lazy(() => import('./pages/flows.tsx'))
const Sites = lazy(() => import('./pages/sites.tsx'))
const Site = lazy(() => import('./pages/site.tsx'))
const Endpoints = lazy(() => import('./pages/endpoints.tsx'))
const Endpoint = lazy(() => import('./pages/endpoint.tsx'))
const Settings = lazy(() => import('./pages/settings.tsx'))
const Proposals = lazy(() => import('./pages/proposals.tsx'))
const Contents = lazy(() => import('./pages/contents.tsx'))
const Content = lazy(() => import('./pages/content.tsx'))
const Rollouts = lazy(() => import('./pages/rollouts.tsx'))
const Publish = lazy(() => import('./pages/publish.tsx'))
const Distribute = lazy(() => import('./pages/distribute.tsx'))
const Rollout = lazy(() => import('./pages/rollout.tsx'))
const Reports = lazy(() => import('./pages/reports.tsx'))
const Enrolment = lazy(() => import('./pages/enrolment.tsx'))
const Access = lazy(() => import('./pages/access.tsx'))
const Audit = lazy(() => import('./pages/audit.tsx'))

const pages = [
  ['/', text.nav.overview, 'viewer'], ['/flows', text.nav.flows, 'viewer'], ['/sites', text.nav.sites, 'viewer'], ['/endpoints', text.nav.endpoints, 'viewer'],
  ['/contents', text.nav.contents, 'viewer'], ['/rollouts', text.nav.rollouts, 'viewer'], ['/reports', text.nav.reports, 'viewer'], ['/proposals', text.nav.proposals, 'viewer'], ['/settings', text.nav.settings, 'viewer'], ['/enrolment', text.nav.enrolment, 'admin'], ['/access', text.nav.access, 'admin'], ['/audit', text.nav.audit, 'viewer'],
] as const

/** Whether somebody is held to some sites: what is of all of them is refused then. */
const held = (me: Schemas['Actor']): boolean => (me.sites ?? []).length > 0
const ofAll: readonly string[] = ['/', '/flows']

export function App() {
  const me = useAsked('me', () => body(api.GET('/api/v1/me')))
  return (
    <Me value={me.data}>
      <a className="skip" href="#page">{text.nav.skip}</a>
      <Bar me={me.data} />
      <main id="page" tabIndex={-1}>
        <Suspense fallback={<p className="soft" aria-busy="true">{text.loading}</p>}>
          <Switch>
            <Route path="/">{me.data && held(me.data) ? <Sites /> : <Overview />}</Route>
            <Route path="/flows"><Flows /></Route>
            <Route path="/sites"><Sites /></Route>
            <Route path="/sites/:name">{({ name }) => <Site key={name} name={decodeURIComponent(name)} />}</Route>
            <Route path="/endpoints"><Endpoints /></Route>
            <Route path="/endpoints/:id">{({ id }) => <Endpoint key={id} id={decodeURIComponent(id)} />}</Route>
            <Route path="/settings"><Settings /></Route>
            <Route path="/proposals"><Proposals /></Route>
            <Route path="/contents"><Contents /></Route>
            <Route path="/contents/:name">{({ name }) => <Content key={name} name={decodeURIComponent(name)} />}</Route>
            <Route path="/contents/:name/distribute">{({ name }) => <Distribute key={name} name={decodeURIComponent(name)} />}</Route>
            <Route path="/publish"><Publish /></Route>
            <Route path="/rollouts"><Rollouts /></Route>
            <Route path="/rollouts/:id">{({ id }) => <Rollout key={id} id={Number(id)} />}</Route>
            <Route path="/reports"><Reports /></Route>
            <Route path="/enrolment"><Enrolment /></Route>
            <Route path="/access"><Access /></Route>
            <Route path="/audit"><Audit /></Route>
            <Route><p>{text.notFound}</p></Route>
          </Switch>
        </Suspense>
      </main>
    </Me>
  )
}

function Bar({ me }: { me?: Schemas['Actor'] }) {
  const [at] = useLocation()
  const admin = useMay('admin')
  const open = pages.filter(([path, , role]) => (role === 'viewer' || admin) && !(me && held(me) && ofAll.includes(path)))
  useEffect(() => {
    const page = pages.find(([path]) => path === '/' ? at === '/' : at.startsWith(path))
    const below = page === undefined || page[0] === '/' ? undefined : at.split('/')[2] // a site, a content
    document.title = [below && decodeURIComponent(below), page?.[1], text.product].filter(Boolean).join(' · ')
  }, [at])
  return (
    <header className="bar">
      <Link href="/" className="mark">
        <svg viewBox="0 0 16 16" aria-hidden="true"><circle cx="8" cy="8" r="3" /><circle cx="2.5" cy="4" r="1.7" /><circle cx="13.5" cy="4" r="1.7" /><circle cx="8" cy="14" r="1.7" /></svg>
        {text.product}
      </Link>
      <nav aria-label={text.nav.label}>
        {open.map(([path, title]) => {
          const here = path === '/' ? at === '/' : at.startsWith(path)
          return <Link key={path} href={path} aria-current={here ? 'page' : undefined}>{title}</Link>
        })}
      </nav>
      <Palette pages={open} />
      <a className="who" href="/login" title={text.nav.account}>{me?.title || me?.name}</a>
    </header>
  )
}
