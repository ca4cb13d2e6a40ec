// The way to the first delivery: shown on the overview until it was made, each step with what
// does it, and ticked off when the server knows of it.

import { lazy, Suspense, useState, type ReactNode } from 'react'
import type { Overview } from '../live.ts'
import { done, guides, putAway } from '../guide.ts'

// Who is past the first run does not load it.
const Steps = lazy(() => import('./steps.tsx'))

/** The guide, and behind it how things stand, once there is something to see. */
export function Guide({ sum, children }: { sum: Overview; children: ReactNode }) {
  const [away, setAway] = useState(false)
  if (away || !guides(sum, localStorage)) return children
  const put = () => {
    putAway(localStorage)
    setAway(true)
  }
  return <><Suspense fallback={null}><Steps sum={sum} put={put} /></Suspense>{done(sum).has('distribute') && children}</>
}
