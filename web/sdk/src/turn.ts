/**
 * Of the tabs of one web origin one keeps content on disk and has the endpoint's key. Takes
 * that part; null when another tab has it, and undefined where tabs can't know of each other.
 * Call what is returned to give it up.
 */
export function takeTurn(): Promise<(() => void) | null | undefined> {
  if (!navigator.locks) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    const held = () => new Promise<void>((release) => resolve(release))
    // A page that was just reloaded or closed still has it for a moment.
    navigator.locks.request('sitecast', { signal: AbortSignal.timeout(patience) }, held).catch(() => resolve(null))
  })
}

const patience = 1000 // milliseconds
