/**
 * Of the tabs of one web origin one keeps content on disk and has the endpoint's key. Takes
 * that part; null when another tab has it, and undefined where tabs can't know of each other.
 * Call what is returned to give it up.
 */
export function takeTurn(): Promise<(() => void) | null | undefined> {
  if (!navigator.locks) return Promise.resolve(undefined)
  return new Promise((resolve) => {
    void navigator.locks.request('sitecast', { ifAvailable: true }, (lock) => {
      if (!lock) return resolve(null)
      return new Promise<void>((release) => resolve(release))
    })
  })
}
