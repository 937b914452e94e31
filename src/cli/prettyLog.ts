import { visible, type Output, type Paint, type Style } from '../lib/terminal.ts'

const levels: Readonly<Record<number, readonly [string, Style]>> = {
  20: ['debug', 'dim'],
  30: ['info', 'cyan'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
}

/** Takes the log's JSON lines and writes them for a person at a terminal: time, level, message, fields. */
export function prettyLog(output: Output, paint: Paint): { write(line: string): void } {
  return { write: (line) => void output.write(`${prettyLine(line, paint)}\n`) }
}

function prettyLine(line: string, paint: Paint): string {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>
  const [word, style] = levels[Number(level)] ?? ['fatal', 'red']
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const rest = Object.entries(fields).map(([key, value]) => `${paint('dim', `${key}=`)}${shown(value)}`)
  return [paint('dim', clock), paint(style, word), typeof msg === 'string' ? msg : '', ...rest].join(' ')
}

/** Text keeps its line breaks: it is a configuration's problem with its caret, or a stack. */
function shown(value: unknown): string {
  if (typeof value !== 'string') return visible(JSON.stringify(value) ?? '')
  return value.includes('\n') ? `\n${value.split('\n').map(visible).join('\n')}` : visible(value)
}
