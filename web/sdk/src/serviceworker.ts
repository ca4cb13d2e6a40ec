/** Placeholder of the slice. */
export {}
