// Checks what `npm publish` would publish, and builds the examples with it as somebody does
// who installed it: `node pack.mjs [DIR]` after `node build.mjs`. Says what is wrong, and
// leaves in DIR a folder that any web server may serve.
import { execFileSync } from 'node:child_process'
import { copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const maxTarball = 80_000 // bytes, with types, examples and the manual

const needed = ['README.md', 'package.json', 'dist/LICENSE', 'dist/LICENSE.fzstd', 'dist/index.js', 'dist/worker.js', 'dist/serviceworker.js',
  'dist/types/sdk/src/index.d.ts', 'dist/types/sdk/src/serviceworker.d.ts']
const known = /^(README\.md|package\.json|examples\/[\w-]+\.(html|jsx?)|dist\/LICENSE(\.fzstd)?|dist\/(index|worker|serviceworker)\.js|dist\/types\/.+\.d\.ts)$/

/** A program of somebody who uses the package: what it names has to be there, with these types. */
const consumer = `
import { join, SitecastError, type Download, type DownloadInfo, type FileEntry, type Place, type Session } from '@sitecast/sdk'
import { serve } from '@sitecast/sdk/service-worker'

export async function use(): Promise<Blob> {
  const session: Session = await join({ server: 'https://sitecast.example', token: async () => 'x', trust: 'sha256-', storage: 'memory', name: 'page' })
  session.addEventListener('storage', (e) => ((e as CustomEvent<Place>).detail.reason satisfies string | undefined))
  const download: Download = session.get('app', '1.2.0')
  const info: Readonly<DownloadInfo> = download.info
  if (info.state === 'failed') throw new SitecastError(info.code, info.reason)
  const files: FileEntry[] = await download.files()
  const stream: ReadableStream<Uint8Array> = files[0]!.stream(0, 10)
  await stream.cancel()
  const end: () => void = session.serve('/app/', download)
  end()
  await session.leave()
  return download.blob()
}
serve({ prefixes: ['/app/'], patience: 500 })
`

process.chdir(dirname(fileURLToPath(import.meta.url)))
const given = process.argv[2]
const dir = given ?? (await mkdtemp(join(tmpdir(), 'sitecast-sdk-')))
const run = (program, ...args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })

const installed = join(dir, 'node_modules/@sitecast/sdk')
await mkdir(installed, { recursive: true })
const [packed] = JSON.parse(run('npm', 'pack', '--json', '--silent', '--pack-destination', dir))
const paths = packed.files.map((f) => f.path)
const wrong = [
  ...paths.filter((p) => !known.test(p)).map((p) => `${p} does not belong in the package`),
  ...needed.filter((p) => !paths.includes(p)).map((p) => `${p} is missing: node build.mjs`),
  ...(packed.size > maxTarball ? [`${packed.size} bytes, limit ${maxTarball}`] : []),
]
console.log(`${packed.filename}: ${paths.length} files, ${packed.size} bytes, limit ${maxTarball}`)

await cp('examples', dir, { recursive: true })
run('tar', '-xzf', join(dir, packed.filename), '-C', installed, '--strip-components=1')
await writeFile(join(dir, 'consumer.ts'), consumer)
const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: [] }
await writeFile(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
try {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', dir], { stdio: 'inherit' })
} catch {
  wrong.push('the types are not those that its manual promises')
}
for (const file of ['index.js', 'worker.js', 'serviceworker.js']) await copyFile(join(installed, 'dist', file), join(dir, file))
await build({
  entryPoints: [join(dir, 'react-main.jsx')], outfile: join(dir, 'react.js'), bundle: true, format: 'esm', minify: true, jsx: 'automatic', logLevel: 'error',
  nodePaths: [join(process.cwd(), 'node_modules')], define: { 'process.env.NODE_ENV': '"production"' },
})
if (!given) await rm(dir, { recursive: true })
for (const w of wrong) console.error(w)
process.exit(wrong.length > 0 ? 1 : 0)
