import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import { debugpyVersions } from '../support/debugpy.ts'

/** One measured figure; `target` is the most it should be, in the unit of `value`. */
export interface Figure {
  readonly name: string
  readonly value: string
  /** What it is compared with, and how. */
  readonly detail: string
  readonly target?: string
  readonly ok?: boolean
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

/** The sample below which the share `q` of them lies, between two of them in proportion. */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new Error('there are no samples')
  const sorted = [...samples].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = Math.floor(at)
  const [low, high] = [sorted[below]!, sorted[Math.ceil(at)]!]
  return low + (high - low) * (at - below)
}

export function ms(value: number): string {
  return `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
}

export function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}

export function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}

/** `quick ± how it spread`: the median with the 90th percentile behind it. */
export function spread(samples: readonly number[]): string {
  return `${ms(median(samples))} (p90 ${ms(quantile(samples, 0.9))})`
}

/** A figure that is a ratio of medians. */
export function ratio(
  name: string,
  samples: readonly number[],
  base: readonly number[],
  baseName: string,
  target?: number,
): Figure {
  const value = median(samples) / median(base)
  const detail = `${spread(samples)} against ${spread(base)} ${baseName}, n = ${samples.length}`
  const goal = target === undefined ? {} : { target: `<= ${target.toFixed(2)}`, ok: value <= target }
  return { name, value: value.toFixed(2), detail, ...goal }
}

export function printFigures(title: string, figures: readonly Figure[], notes: readonly string[] = []): void {
  const rows = figures.map(({ name, value, target, ok, detail }) => [
    name,
    value,
    target ?? '',
    ok === undefined ? '' : ok ? 'ok' : 'OVER',
    detail,
  ])
  const all = [['figure', 'measured', 'target', '', 'from'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]!.length)))
  console.log(`\n${title}`)
  for (const row of all) {
    console.log(`  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
  }
  for (const note of notes) console.log(`  ${note}`)
}

export function machineFacts(): string[] {
  const cpus = os.cpus()
  const python = execFileSync('python3', ['--version'], { encoding: 'utf8' }).trim()
  return [
    `date      ${new Date().toISOString()}`,
    `machine   ${os.platform()} ${os.release()}, ${cpus.length} × ${cpus[0]?.model.trim() ?? 'unknown'}, ${mib(os.totalmem())}`,
    `load      ${loadText()} (1, 5, 15 minutes)`,
    `node      ${process.version}`,
    `debugpy   ${debugpyVersion()} under ${python}`,
  ]
}

export function loadText(): string {
  return os
    .loadavg()
    .map((load) => load.toFixed(2))
    .join(' ')
}

function debugpyVersion(): string {
  const { folder } = debugpyVersions[0]
  const found = readdirSync(folder).find((name) => /^debugpy-.*\.dist-info$/.test(name))
  if (found === undefined) return 'unknown'
  return /^Version: (.*)$/m.exec(readFileSync(`${folder}/${found}/METADATA`, 'utf8'))?.[1] ?? 'unknown'
}
