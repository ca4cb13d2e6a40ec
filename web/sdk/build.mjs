// Builds the package (web/sdk/dist), and the page that the server embeds (web/dist). The
// same sources make the same bytes on every machine; `node build.mjs --check` builds the
// package alone, and says whether web/dist is of these sources.
import { build } from 'esbuild'
import { copyFile, readFile, rm, mkdir, writeFile, readdir } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { dirname, join } from 'node:path'

// Anything else than these files in the package, or more bytes, is a mistake.
const maxGzip = 40_000 // bytes of the whole package, as the issue promises

const here = dirname(fileURLToPath(import.meta.url))
process.chdir(here)
const portal = join(here, '../dist/portal') // is made in web/portal
const check = process.argv.includes('--check')
const common = { bundle: true, format: 'esm', target: 'es2022', minify: true, legalComments: 'none', charset: 'utf8', write: false, absWorkingDir: here, nodePaths: [join(here, 'node_modules')] }

async function bundle(entries, outdir) {
  const result = await build({ ...common, entryPoints: entries, outdir })
  return new Map(result.outputFiles.map((f) => [f.path, f.contents]))
}

const page = new Map([
  ...(await bundle({ get: '../page/get.ts', check: '../page/check.ts', worker: 'src/worker.ts' }, '../dist/assets')),
  [join(here, '../dist/assets/get.css'), (await build({ ...common, entryPoints: ['../page/get.css'], outdir: '../dist/assets' })).outputFiles[0].contents],
  [join(here, '../dist/get.html'), await readFile('../page/get.html')],
  [join(here, '../dist/check.html'), await readFile('../page/check.html')],
  [join(here, '../dist/LICENSE.fzstd'), await readFile('node_modules/fzstd/LICENSE')], // it is in worker.js
])
const sdk = await bundle({ index: 'src/index.ts', worker: 'src/worker.ts', serviceworker: 'src/serviceworker.ts' }, 'dist')

let whole = 0
for (const [path, contents] of sdk) {
  const size = gzipSync(contents, { level: 9 }).length
  whole += size
  if (!check) console.log(`${path.slice(here.length + 1)}: ${contents.length} bytes, ${size} gzip`)
}
console.log(`@sitecast/sdk: ${whole} bytes gzip, limit ${maxGzip}`)
let wrong = whole > maxGzip

if (check) {
  for (const [path, contents] of page) {
    const committed = await readFile(path).catch(() => Buffer.alloc(0))
    if (Buffer.compare(committed, contents) !== 0) {
      console.error(`${path} is not of these sources: make web-build, and commit what it makes`)
      wrong = true
    }
  }
  for (const entry of await readdir(join(here, '../dist'), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !page.has(path) && !path.startsWith(portal)) {
      console.error(`${path} is of no source`)
      wrong = true
    }
  }
} else {
  for (const entry of await readdir('../dist')) {
    if (join(here, '../dist', entry) !== portal) await rm(join('../dist', entry), { recursive: true })
  }
  await write(page)
}
await rm('dist', { recursive: true, force: true })
await write(sdk)
await copyFile('node_modules/fzstd/LICENSE', 'dist/LICENSE.fzstd') // it is in worker.js
await copyFile('../../LICENSE', 'dist/LICENSE')
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], { stdio: 'inherit' })
process.exit(wrong ? 1 : 0)

async function write(files) {
  for (const [path, contents] of files) {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, contents)
  }
}
