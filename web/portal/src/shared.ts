// The streams of all tabs. A browser keeps six connections to a server, so tabs share what
// they follow: each view is one stream, whoever shows it.

import type { Server } from '../../client/src/index.ts'
import { follow, nameOf, pieces, Rows, type Link, type News, type View } from './stream.ts'

/** What a tab says. */
export type Wish = { follow: View } | { leave: View } | 'bye'

/** What it is told. */
export interface Told {
  name: string // of the view
  news: News
}

/** The end of a channel to a tab, as far as it is used. */
export interface Port {
  postMessage(told: Told): void
}

interface Followed {
  rows: Rows<unknown>
  link: Link
  ports: Set<Port>
  stop: () => void
}

export class Streams {
  private readonly followed = new Map<string, Followed>()
  private readonly from: Server

  constructor(from: Server) { this.from = from }

  /** Takes what a tab says. */
  hear(port: Port, wish: Wish): void {
    if (wish === 'bye') for (const name of [...this.followed.keys()]) this.leave(port, name)
    else if ('leave' in wish) this.leave(port, nameOf(wish.leave))
    else this.join(port, wish.follow)
  }

  private join(port: Port, view: View): void {
    const name = nameOf(view)
    const there = this.followed.get(name)
    if (there !== undefined) {
      there.ports.add(port)
      if (there.link !== 'connecting') tell(port, name, { reset: true, set: there.rows.list(), link: there.link })
      return
    }
    const made: Followed = { rows: new Rows(view.view), link: 'connecting', ports: new Set([port]), stop: () => undefined }
    this.followed.set(name, made)
    made.stop = follow(this.from, view, (news) => {
      made.rows.take(news)
      made.link = news.link
      for (const p of made.ports) tell(p, name, news)
      if (news.link === 'refused') this.followed.delete(name) // who asks again is asked for again
    })
  }

  private leave(port: Port, name: string): void {
    const there = this.followed.get(name)
    if (there === undefined || !there.ports.delete(port) || there.ports.size > 0) return
    there.stop()
    this.followed.delete(name)
  }
}

function tell(port: Port, name: string, news: News): void {
  for (const piece of pieces(news)) port.postMessage({ name, news: piece })
}
