import { parseNetwork, type Network } from '../../wire/candidate'
import { CodeProtocol, CodeStatement, MaxCandidates, PlaceSite, type Description, type ICE, type Signal } from '../../wire/messages'
import { clip, randomHex } from './encoding'
import { proven, signStatement, type Identity } from './identity'
import { Link, type Channel, type LinkEvents } from './link'
import type { FromPeer, ToPeer } from './port'
import { PortChannel } from './portchannel'
import { admits, fingerprintOf, sift, type Policy } from './sdp'

const dialTimeout = 20_000
const maxWaiting = 128 // signals of one attempt

/** One attempt at a link and, if it succeeds, the life of the link. */
interface Session {
  link: string
  peer: string
  attempt: number
  offerer: boolean
  direct: boolean
  described: boolean // the peer's description was taken
  theirs: string // the fingerprint that the peer proved
  heard: number
  own: string[] // candidates that wait for the own description
  sent: boolean // the own description was
  timer: ReturnType<typeof setTimeout>
  over?: Link
}

export interface SessionsConfig {
  identity: Identity
  site(): string
  loopback: boolean
  /** To the page, where alone connections can be made. */
  page(m: ToPeer): void
  send(s: Signal): void
  events: LinkEvents
  /** An attempt came to nothing before there was anything to connect. */
  failed(peer: string, attempt: number, reason: string): void
  warn(code: string, detail: string): void
}

/** Makes links: descriptions are signed and checked here, the connections are the page's. */
export class Sessions {
  private readonly sessions = new Map<string, Session>()
  private ice: ICE[] = []
  private on: Network[] = []
  private chain = Promise.resolve() // descriptions are looked at one after the other

  constructor(private readonly cfg: SessionsConfig) {}

  servers(ice: ICE[] | undefined): void {
    this.ice = ice ?? []
  }

  networks(on: string[]): void {
    this.on = on.map((n) => parseNetwork(n)).filter((n) => n !== null)
  }

  private get policy(): Policy {
    return { loopback: this.cfg.loopback, on: this.on }
  }

  /** Offers a link to a peer. */
  dial(peer: string, attempt: number): void {
    this.begin({ link: randomHex(16), peer, attempt, offerer: true, direct: false }, undefined)
  }

  hangUp(peer: string): void {
    for (const s of [...this.sessions.values()]) if (s.peer === peer) this.end(s, 'hung up')
  }

  stop(): void {
    for (const s of [...this.sessions.values()]) this.end(s, 'the page left')
  }

  /** A step of a peer. */
  signal(s: Signal): void {
    this.chain = this.chain.then(() => this.take(s)).catch((e: unknown) => this.cfg.warn(CodeProtocol, String(e)))
  }

  private async take(s: Signal): Promise<void> {
    if (!s.from || s.to !== this.cfg.identity.id) return
    if (s.offer) return this.offered(s, s.offer)
    const session = this.sessions.get(s.link)
    if (!session || session.peer !== s.from) return
    if (++session.heard > maxWaiting) return this.end(session, 'too many signals')
    if (s.refused) this.end(session, `peer refused: ${s.refused}`)
    else if (s.answer && session.offerer && !session.described) await this.answered(session, s.answer)
    else if (s.candidate && session.heard <= MaxCandidates && admits(s.candidate, this.policy)) {
      this.cfg.page({ t: 'candidate', link: session.link, candidate: s.candidate })
    }
  }

  private async offered(s: Signal, offer: Description): Promise<void> {
    if (this.sessions.has(s.link)) return
    const why = await this.check('offer', s.from!, s.link, offer)
    if (typeof why !== 'string') return this.refuse(s.from!, s.link, s.attempt ?? 1, why)
    for (const other of [...this.sessions.values()]) { // a newer attempt takes the place of one that is not up
      if (other.peer === s.from && !other.over?.isUp) this.end(other, 'another attempt took its place')
    }
    const { sdp, candidates } = sift(offer.sdp, this.policy)
    const session = this.begin({ link: s.link, peer: s.from!, attempt: s.attempt ?? 1, offerer: false, direct: s.direct ?? false }, sdp)
    session.theirs = why
    session.described = true
    for (const candidate of candidates) this.cfg.page({ t: 'candidate', link: s.link, candidate })
  }

  private async answered(session: Session, answer: Description): Promise<void> {
    const why = await this.check('answer', session.peer, session.link, answer)
    if (typeof why !== 'string') {
      this.refuse(session.peer, session.link, session.attempt, why)
      return this.end(session, why.code)
    }
    session.described = true
    session.theirs = why
    const { sdp, candidates } = sift(answer.sdp, this.policy)
    this.cfg.page({ t: 'answer', link: session.link, sdp })
    for (const candidate of candidates) this.cfg.page({ t: 'candidate', link: session.link, candidate })
  }

  /** The fingerprint that the author of a description proved, or why it is refused. */
  private async check(role: 'offer' | 'answer', from: string, link: string, d: Description): Promise<string | { code: string; detail: string }> {
    try {
      const fingerprint = fingerprintOf(d.sdp)
      const claim = { role, from, to: this.cfg.identity.id, site: this.cfg.site(), link, fingerprint }
      if (await proven(claim, d.statement)) return fingerprint
      return { code: CodeStatement, detail: 'statement does not prove the author of the session description' }
    } catch (e) {
      return { code: CodeStatement, detail: (e as Error).message }
    }
  }

  private refuse(to: string, link: string, attempt: number, why: { code: string; detail: string }): void {
    this.cfg.warn(why.code, `${to.slice(0, 8)}: ${why.detail}`)
    this.cfg.send({ from: this.cfg.identity.id, to, link, attempt, refused: clip(`${why.code}: ${why.detail}`) })
  }

  private begin(p: Pick<Session, 'link' | 'peer' | 'attempt' | 'offerer' | 'direct'>, offer: string | undefined): Session {
    const session: Session = { ...p, described: false, theirs: '', heard: 0, own: [], sent: false, timer: setTimeout(() => this.end(session, 'no connection in time'), dialTimeout) }
    this.sessions.set(p.link, session)
    const { servers, atSite } = rung(p.attempt, this.ice)
    // A link that is to take the place of a relayed one asks no relay.
    const use = p.direct ? servers.filter((s) => !s.username) : servers
    this.cfg.page({ t: 'make', link: p.link, offer, servers: use, atSite })
    return session
  }

  /** What the page says of a connection. */
  heard(m: FromPeer): void {
    const s = this.sessions.get(m.link)
    if (!s) return
    switch (m.t) {
      case 'channels':
        this.over(s, m.ctl, m.bulk)
        break
      case 'ports':
        this.over(s, new PortChannel(m.ctl), new PortChannel(m.bulk))
        break
      case 'described':
        this.chain = this.chain.then(() => this.describe(s, m.sdp))
        break
      case 'found':
        if (s.sent) this.cfg.send({ ...this.head(s), candidate: m.candidate })
        else s.own.push(m.candidate)
        break
      case 'connected':
        if (m.fingerprint !== s.theirs) {
          this.cfg.warn(CodeStatement, 'the connection is not with who proved its fingerprint')
          return this.end(s, CodeStatement)
        }
        s.over?.prove(m.relayed)
        break
      case 'gone':
        this.end(s, m.reason)
    }
  }

  private over(s: Session, ctl: Channel, bulk: Channel): void {
    s.over = new Link(s.peer, s.attempt, ctl, bulk, this.eventsOf(s), () => this.cfg.page({ t: 'close', link: s.link }))
  }

  private async describe(s: Session, sdp: string): Promise<void> {
    if (!this.sessions.has(s.link)) return
    const role = s.offerer ? 'offer' : 'answer'
    const claim = { role, from: this.cfg.identity.id, to: s.peer, site: this.cfg.site(), link: s.link, fingerprint: fingerprintOf(sdp) } as const
    const d = { sdp, statement: await signStatement(this.cfg.identity, claim) }
    this.cfg.send({ ...this.head(s), ...(s.offerer ? { offer: d } : { answer: d }) })
    s.sent = true
    for (const candidate of s.own.splice(0)) this.cfg.send({ ...this.head(s), candidate })
  }

  private head(s: Session): Signal {
    return { from: this.cfg.identity.id, to: s.peer, link: s.link, attempt: s.attempt, direct: s.direct }
  }

  /** The link's events, with the session's own ends tied to them. */
  private eventsOf(s: Session): LinkEvents {
    const { events } = this.cfg
    return {
      up: (l) => {
        clearTimeout(s.timer)
        events.up(l)
      },
      down: (l, reason) => {
        if (!this.sessions.delete(s.link)) return
        clearTimeout(s.timer)
        // A direct link that does not come about leaves the relayed one as it was.
        if (!s.direct || l.wasUp) events.down(l, reason)
      },
      ctl: (l, f) => events.ctl(l, f),
      bulk: (l, f) => events.bulk(l, f),
      read: (job) => events.read(job),
      sent: (l, job) => events.sent(l, job),
    }
  }

  private end(s: Session, reason: string): void {
    if (s.over) return s.over.end(reason)
    this.sessions.delete(s.link)
    clearTimeout(s.timer)
    this.cfg.page({ t: 'close', link: s.link })
    this.cfg.failed(s.peer, s.attempt, reason)
  }
}

/** The servers of an attempt: the more an attempt costs, the later it is made (edge/rtc/NETWORKS.md). */
export function rung(attempt: number, named: ICE[]): { servers: ICE[]; atSite: boolean } {
  if (attempt < 2) return { servers: [], atSite: false }
  const near = attempt < 4 || (attempt > 5 && attempt % 2 === 0)
  const atSite = near && named.some((s) => s.place === PlaceSite)
  const servers = named
    .filter((s) => !s.username || (s.place === PlaceSite) === atSite)
    .map((s) => ({ ...s, urls: s.urls.filter((u) => attempt >= 3 || !u.endsWith('?transport=tcp')) }))
    .filter((s) => s.urls.length > 0)
  return { servers, atSite }
}
