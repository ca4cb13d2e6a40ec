// A QR code, drawn as one path. What encodes it is loaded when one is shown first.

import { useAsked } from '../api.ts'
import { path } from '../qr.ts'
import { text } from '../text.ts'
import { Answer } from './bits.tsx'

// A screen does not get dirty, so codes have the least correction and the largest modules.

/** The quiet zone around a code, in modules, as the standard wants it. */
const border = 4

export function QR({ value, label }: { value: string; label: string }) {
  const asked = useAsked(`qr ${value}`, async () => {
    const { encode } = await import('uqr')
    try {
      return encode(value, { ecc: 'L', border })
    } catch {
      throw new Error(text.endpoint.qr.long)
    }
  })
  return (
    <Answer asked={asked}>
      {({ data, size }) => <svg className="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={text.endpoint.qr.alt(label)}><path d={path(data)} /></svg>}
    </Answer>
  )
}
