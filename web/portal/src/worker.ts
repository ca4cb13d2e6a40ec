// The shared worker: one for all tabs of a browser.

import { Streams, type Wish } from './shared.ts'

const streams = new Streams({ baseUrl: self.location.origin })

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0]!
  port.onmessage = ({ data }: MessageEvent<Wish>) => streams.hear(port, data)
})
