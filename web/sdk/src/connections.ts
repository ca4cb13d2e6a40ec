import type { Channel } from './link'
import type { FromPeer, ToPeer } from './port'

const gatherWait = 50 // milliseconds that a description waits for candidates

/**
 * The page's part of links: connections can be made nowhere else. Their channels go to the
 * worker in the task that makes them, so that no message of a peer is lost on the way;
 * where a browser can't hand channels over, their messages go through the page.
 */
export class Connections {
  private readonly open = new Map<string, RTCPeerConnection>()
  private readonly early = new Map<string, string[]>() // candidates before the peer's description
  private certificate: Promise<RTCCertificate> | undefined

  constructor(private readonly tell: (m: FromPeer, transfer?: Transferable[]) => void) {}

  do(m: ToPeer): void {
    switch (m.t) {
      case 'make':
        void this.make(m).catch((e: unknown) => this.gone(m.link, `connection can not be made: ${String(e)}`))
        break
      case 'answer':
        void this.answer(m.link, m.sdp).catch((e: unknown) => this.gone(m.link, `peer's answer is not taken: ${String(e)}`))
        break
      case 'candidate':
        this.candidate(m.link, m.candidate)
        break
      case 'close':
        this.close(m.link)
    }
  }

  closeAll(): void {
    for (const link of [...this.open.keys()]) this.close(link)
  }

  private async make(m: ToPeer & { t: 'make' }): Promise<void> {
    this.early.set(m.link, [])
    // One certificate for all links of this page: to make one takes time.
    this.certificate ??= RTCPeerConnection.generateCertificate({ name: 'ECDSA', namedCurve: 'P-256' } as EcKeyGenParams)
    const certificate = await this.certificate
    if (!this.early.has(m.link)) return // it was closed meanwhile
    const pc = new RTCPeerConnection({
      certificates: [certificate],
      iceServers: m.servers.map((s) => ({ urls: s.urls, username: s.username ?? '', credential: s.credential ?? '' })),
    })
    this.open.set(m.link, pc)
    const ctl = pc.createDataChannel('ctl', { negotiated: true, id: 0 })
    const bulk = pc.createDataChannel('bulk', { negotiated: true, id: 1, ordered: false })
    this.handOver(m.link, ctl, bulk)
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'failed' || pc.connectionState === 'closed') this.gone(m.link, 'connection failed')
      if (pc.connectionState === 'connected') void this.connected(m.link, pc, m.atSite)
    }
    pc.onicecandidate = (e) => e.candidate?.candidate && described && this.tell({ t: 'found', link: m.link, candidate: e.candidate.candidate })
    let described = false
    if (m.offer !== undefined) await this.remote(m.link, pc, 'offer', m.offer)
    await pc.setLocalDescription() // an offer, or the answer
    await gathered(pc)
    described = true
    if (pc.localDescription) this.tell({ t: 'described', link: m.link, sdp: pc.localDescription.sdp })
  }

  private async answer(link: string, sdp: string): Promise<void> {
    const pc = this.open.get(link)
    if (pc) await this.remote(link, pc, 'answer', sdp)
  }

  private async remote(link: string, pc: RTCPeerConnection, type: 'offer' | 'answer', sdp: string): Promise<void> {
    await pc.setRemoteDescription({ type, sdp })
    const early = this.early.get(link) ?? []
    this.early.delete(link)
    for (const candidate of early) this.add(pc, candidate)
  }

  private candidate(link: string, candidate: string): void {
    const early = this.early.get(link)
    const pc = this.open.get(link)
    if (early) early.push(candidate)
    else if (pc) this.add(pc, candidate)
  }

  private add(pc: RTCPeerConnection, candidate: string): void {
    pc.addIceCandidate({ candidate, sdpMid: '0', sdpMLineIndex: 0 }).catch(() => undefined) // one of a kind that this browser does not use
  }

  private handOver(link: string, ctl: RTCDataChannel, bulk: RTCDataChannel): void {
    try {
      this.tell({ t: 'channels', link, ctl: ctl as unknown as Channel, bulk: bulk as unknown as Channel }, [ctl, bulk] as unknown as Transferable[])
    } catch {
      const [a, b] = [relay(ctl), relay(bulk)]
      this.tell({ t: 'ports', link, ctl: a, bulk: b }, [a, b])
    }
  }

  /** Who is at the other end, as the connection itself says, and whether a relay is between. */
  private async connected(link: string, pc: RTCPeerConnection, atSite: boolean): Promise<void> {
    const der = pc.sctp?.transport.getRemoteCertificates()[0]
    if (!der) return this.gone(link, 'connection has no certificate')
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', der))
    const hex = Array.from(digest, (b) => b.toString(16).padStart(2, '0').toUpperCase()).join(':')
    const relayed = (await throughRelay(pc)) && !atSite
    this.tell({ t: 'connected', link, relayed, fingerprint: `sha-256 ${hex}` })
  }

  private gone(link: string, reason: string): void {
    this.close(link)
    this.tell({ t: 'gone', link, reason })
  }

  private close(link: string): void {
    this.early.delete(link)
    const pc = this.open.get(link)
    this.open.delete(link)
    if (!pc) return
    pc.onconnectionstatechange = null
    pc.close()
  }
}

/** Waits for candidates, but not for long: later ones follow by themselves. */
function gathered(pc: RTCPeerConnection): Promise<void> {
  if (pc.iceGatheringState === 'complete') return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => (clearTimeout(timer), resolve())
    const timer = setTimeout(done, gatherWait)
    pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done())
  })
}

async function throughRelay(pc: RTCPeerConnection): Promise<boolean> {
  const stats = await pc.getStats()
  const all = new Map<string, Record<string, unknown>>()
  stats.forEach((report: Record<string, unknown>) => all.set(String(report.id), report))
  for (const s of all.values()) {
    const pair = s.type === 'transport' ? all.get(String(s.selectedCandidatePairId)) : undefined
    const ends = pair ? [all.get(String(pair.localCandidateId)), all.get(String(pair.remoteCandidateId))] : []
    if (ends.some((c) => c?.candidateType === 'relay')) return true
  }
  return false
}

/** Carries a channel's messages over a port, for browsers that can't hand a channel to a worker. */
function relay(channel: RTCDataChannel): MessagePort {
  const { port1, port2 } = new MessageChannel()
  channel.binaryType = 'arraybuffer'
  channel.bufferedAmountLowThreshold = 128 << 10
  const state = () => port1.postMessage({ buffered: channel.bufferedAmount, state: channel.readyState })
  channel.onopen = channel.onclose = channel.onbufferedamountlow = state
  channel.onmessage = (e: MessageEvent<ArrayBuffer>) => port1.postMessage({ data: e.data }, [e.data])
  port1.onmessage = (e: MessageEvent<ArrayBuffer>) => {
    if (channel.readyState === 'open') channel.send(e.data)
    state()
  }
  return port2
}
