import type { Writable } from 'node:stream'

/** A stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean }

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const codes: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** Colours text for a terminal, and leaves it alone for everything else. NO_COLOR is respected (no-color.org). */
export function painter(output: Output, env: Readonly<Record<string, string | undefined>>) {
  const coloured = output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  return (style: Style, text: string): string => (coloured ? `\u001b[${codes[style]}m${text}\u001b[0m` : text)
}

export type Paint = ReturnType<typeof painter>

export function print(output: Output, text: string): void {
  output.write(`${text}\n`)
}

export function printJson(output: Output, value: unknown): void {
  print(output, JSON.stringify(value, null, 2))
}

/** Columns as wide as their widest cell, two spaces apart; the last one is not padded. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], paint?: Paint): string {
  const shown = rows.map((row) => row.map(visible))
  const widths = head.map((title, i) => Math.max(title.length, ...shown.map((row) => row[i]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i]!))).join('  ')
  const title = line(head)
  return [paint === undefined ? title : paint('dim', title), ...shown.map(line)].join('\n')
}

/** What comes from elsewhere must not steer the terminal. */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are just what this is about
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '·')
}
