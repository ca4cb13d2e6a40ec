/** The dark modules of a code as a path of an SVG: a bar for each run in a row. */
export function path(modules: readonly (readonly boolean[])[]): string {
  let out = ''
  modules.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      const from = x
      while (row[x + 1]) x++
      out += `M${from} ${y}h${x + 1 - from}v1h-${x + 1 - from}z`
    }
  })
  return out
}
