// The way to the first delivery: shown on the overview until it was made, each step with what
// does it, and ticked off when the server knows of it.

import { lazy, Suspense, useState } from 'react'
import type { Overview } from '../live.ts'
import { guides, putAway } from '../guide.ts'

// Who is past the first run does not load it.
const Steps = lazy(() => import('./steps.tsx'))

export function Guide({ sum }: { sum: Overview }) {
  const [away, setAway] = useState(false)
  if (away || !guides(sum, localStorage)) return null
  const put = () => {
    putAway(localStorage)
    setAway(true)
  }
  return <Suspense fallback={null}><Steps sum={sum} put={put} /></Suspense>
}
