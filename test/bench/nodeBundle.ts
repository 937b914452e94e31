import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { build } from 'esbuild'
import { callable } from './nodeSubject.ts'

const modules = 577
const functions = 20
/** The module with the function that is called. */
const hitModule = 300

export interface Bundle {
  readonly folder: string
  /** The bundle: one file, minified, its map beside it. */
  readonly file: string
  readonly bundleBytes: number
  readonly mapBytes: number
  /** The source with the breakpoint, and its 1-based line. */
  readonly source: string
  readonly line: number
  remove(): void
}

const words = ['order', 'basket', 'customer', 'invoice', 'parcel', 'ledger', 'quota', 'region', 'voucher', 'tariff']

/** A bundle is not code alone: messages, schemas and queries take up half of it. */
function messageText(module: number, at: number): string {
  const spelled = Array.from({ length: 42 }, (_, position) => words[(position * at + module) % 10])
  return `${module}/${at}: ${spelled.join(' ')}`
}

function functionText(module: number, at: number): string {
  const first = words[at % 10]!
  return `
function ${first}${at}(lines: readonly Line[], limit: number): Result {
  const sums = lines.map((line, position) => line.amount * line.price + position * ${at})
  let total = 0
  for (const ${first}Sum of sums) {
    if (${first}Sum > limit) {
      total += limit + Math.min(${first}Sum - limit, ${at + 3})
    } else {
      total += ${first}Sum
    }
  }
  const label = '${messageText(module, at)}'
  return { label, total, sums, limit }
}
`
}

const hitText = `
function hit(orderNumber: number): number {
  const orderLines: Line[] = [{ amount: orderNumber, price: 2 }]
  const customerName = 'breakwater'
  const orderTotal = orderLines.reduce((sum, line) => sum + line.amount * line.price, 0)
  const startedAt = Number(process.hrtime.bigint() % 100_000_000_000n)
  const described = describe(customerName, orderTotal) // BREAK
  const doubledTotal = orderTotal * 2
  return doubledTotal + described.length + startedAt
}
function describe(customerName: string, orderTotal: number): string {
  return customerName + ' ' + orderTotal
}
`

function moduleText(module: number): string {
  const parts = Array.from({ length: functions }, (_, at) => functionText(module, at))
  const types = `interface Line {
  readonly amount: number
  readonly price: number
}
interface Result {
  readonly label: string
  readonly total: number
  readonly sums: readonly number[]
  readonly limit: number
}
`
  const names = Array.from({ length: functions }, (_, at) => `${words[at % 10]!}${at}`)
  const [more, last] = module === hitModule ? [hitText, ', hit'] : ['', '']
  return `${types}${parts.join('')}${more}export = { ${names.join(', ')}${last} }\n`
}

/**
 * As large as the bundle of a real server: 577 modules of TypeScript in one minified file with a map beside it. Its
 * lines are cut at five thousand characters, as line breaks in template strings do in real ones: with all of it in
 * one line the peer took 163 s to show the first variables, which would flatter us.
 */
export async function makeBundle(): Promise<Bundle> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'breakwater-bench-bundle-'))
  const sources = path.join(folder, 'src')
  mkdirSync(sources)
  const names = Array.from({ length: modules }, (_, module) => `module${module}`)
  const texts = names.map((_, module) => moduleText(module))
  for (const [module, text] of texts.entries()) writeFileSync(path.join(sources, `module${module}.ts`), text)
  const table = names.map((name) => `  ${name}: require('./${name}.ts'),\n`).join('')
  const calls = `const subjects = { hit: all.module${hitModule}.hit }`
  const main = `const all: Record<string, any> = {\n${table}}\n${calls}\n${callable}`
  writeFileSync(path.join(sources, 'main.ts'), main)
  const file = path.join(folder, 'dist', 'server.js')
  await build({
    entryPoints: [path.join(sources, 'main.ts')],
    outfile: file,
    bundle: true,
    minify: true,
    lineLimit: 5_000,
    sourcemap: true,
    sourcesContent: true,
    platform: 'node',
    format: 'cjs',
    logLevel: 'error',
  })
  const line = texts[hitModule]!.split('\n').findIndex((text) => text.includes('BREAK')) + 1
  return {
    folder,
    file,
    bundleBytes: statSync(file).size,
    mapBytes: statSync(`${file}.map`).size,
    source: path.join(sources, `module${hitModule}.ts`),
    line,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
