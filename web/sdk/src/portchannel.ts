import type { Channel } from './link'

/** The worker's end of a channel that stays in the page. */
export class PortChannel implements Channel {
  onmessage: Channel['onmessage'] = null
  onbufferedamountlow: Channel['onbufferedamountlow'] = null
  onopen: Channel['onopen'] = null
  onclose: Channel['onclose'] = null
  bufferedAmountLowThreshold = 0
  bufferedAmount = 0
  readyState = 'connecting'

  constructor(private readonly port: MessagePort) {
    port.onmessage = (e: MessageEvent<{ data?: ArrayBuffer; buffered: number; state: string }>) => {
      if (e.data.data) return this.onmessage?.({ data: e.data.data })
      const before = this.readyState
      this.readyState = e.data.state
      this.bufferedAmount = e.data.buffered
      if (before === 'connecting' && this.readyState === 'open') this.onopen?.()
      if (this.readyState === 'closed' && before !== 'closed') this.onclose?.()
      if (this.bufferedAmount <= this.bufferedAmountLowThreshold) this.onbufferedamountlow?.()
    }
  }

  send(b: Uint8Array<ArrayBuffer>): void {
    this.bufferedAmount += b.length // until the page says how much it is
    this.port.postMessage(b.buffer, [b.buffer])
  }
}
