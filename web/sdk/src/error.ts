/** Why joining, or something else, did not work; `code` is stable. */
export class SitecastError extends Error {
  constructor(readonly code: string, detail: string) {
    super(detail)
    this.name = 'SitecastError'
  }
}
