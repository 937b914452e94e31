import { parseDuration } from '../config/values.ts'
import { jsonOption, type Command, type Parsed } from './args.ts'
import { readAudit } from '../policy/auditRead.ts'
import { CliError, exitCode, usageError } from './io.ts'
import { painter, print, visible, type Paint } from '../lib/terminal.ts'

export const audit: Command = {
  name: 'audit',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'print and filter the audit',
  options: {
    follow: { type: 'boolean', short: 'f', help: 'go on with what is written from now on' },
    target: { type: 'string', value: 'NAME', help: 'only this target' },
    session: { type: 'string', value: 'ID', help: 'only this session' },
    who: { type: 'string', value: 'NAME', help: 'only this identity' },
    kind: { type: 'string', value: 'KIND', help: 'only start, end, request, change, pause, …; several with commas' },
    outcome: { type: 'string', value: 'OUTCOME', help: 'only allowed, refused or failed; several with commas' },
    rule: { type: 'string', value: 'RULE', help: 'only what this rule refused' },
    since: { type: 'string', value: 'TIME', help: 'only from then on: 2h (ago), or 2026-11-24T18:00' },
    last: { type: 'string', value: 'N', help: 'only the last N of them' },
    file: { type: 'string', value: 'PATH', help: 'another file than that of the configuration' },
    json: { ...jsonOption, help: 'print the lines as they are, one JSON object each' },
  },
  async run(args, { io, loadConfig }) {
    const path = args.text('file') ?? fileOf((await loadConfig()).audit)
    const fits = filter(args, Date.now())
    const last = args.text('last') === undefined ? Infinity : wholeNumber(args.text('last')!)
    const controller = new AbortController()
    using _int = io.onSignal('SIGINT', () => controller.abort())
    using _term = io.onSignal('SIGTERM', () => controller.abort())
    const show = args.flag('json') ? (line: AuditLine) => JSON.stringify(line) : asText(painter(io.stdout, io.env))
    const follow = args.flag('follow')
    const kept: AuditLine[] = []
    try {
      // Without --follow the whole file is read before the last lines are known; with it, those are shown as they come.
      for await (const entry of readAudit(path, { follow, signal: controller.signal })) {
        const line: AuditLine = entry.ok ? entry.line : { unreadable: entry.text.slice(0, 200) }
        if (!fits(line)) continue
        if (follow || last === Infinity) print(io.stdout, show(line))
        else if (kept.push(line) > last) kept.shift()
      }
    } catch (error) {
      throw unreadable(path, error as NodeJS.ErrnoException)
    }
    for (const line of kept) print(io.stdout, show(line))
    return exitCode.ok
  },
}

/** A line of the audit, or `{ unreadable }`. */
type AuditLine = Readonly<Record<string, unknown>>

function fileOf(config: { readonly kind: string; readonly path?: string }): string {
  if (config.path !== undefined) return config.path
  throw new CliError(
    exitCode.unavailable,
    'the audit goes to standard output of the daemon',
    'Name where that is kept with --file.',
  )
}

function unreadable(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOENT') {
    return new CliError(exitCode.unavailable, `there is no audit at '${path}' yet`, 'The first session begins it.')
  }
  if (error.code === 'EACCES') {
    return new CliError(
      exitCode.noPermission,
      `'${path}' cannot be read by this user`,
      'Ask as the user of the daemon.',
    )
  }
  if (error.code === undefined) return error
  return new CliError(exitCode.failed, `'${path}' cannot be read: ${error.message}`)
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw usageError(`'--last ${text}' is not a number of lines`)
}

type Fits = (line: AuditLine) => boolean

function filter(args: Parsed, nowMs: number): Fits {
  const tests: Fits[] = []
  const fields = {
    target: 'target',
    session: 'session',
    who: 'identity',
    kind: 'kind',
    outcome: 'outcome',
    rule: 'rule',
  }
  for (const [option, field] of Object.entries(fields)) {
    const wanted = args.text(option)?.split(',')
    if (wanted !== undefined) tests.push((line) => wanted.includes(String(line[field])))
  }
  const since = args.text('since')
  if (since !== undefined) {
    const fromMs = sinceMs(since, nowMs)
    tests.push(({ time }) => typeof time === 'string' && Date.parse(time) >= fromMs)
  }
  return (line) => tests.every((test) => test(line))
}

function sinceMs(text: string, nowMs: number): number {
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return nowMs - parseDuration(text)
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(ms))
    throw usageError(`'--since ${text}' is not a time`, 'Write 30m, 2h, or a date such as 2026-11-24T18:00.')
  return ms
}

/** What stands in front of a line, in this order; the rest follows as `key=value`. */
const leading = ['time', 'session', 'target', 'identity', 'client', 'kind', 'command', 'outcome', 'rule'] as const
const unsaid = new Set<string>([...leading, 'v', 'seq', 'peer'])

function asText(paint: Paint): (line: AuditLine) => string {
  return (line) => {
    if (line['unreadable'] !== undefined) return paint('yellow', `unreadable: ${visible(text(line['unreadable']))}`)
    const [time = '', ...facts] = leading
      .map((key) => line[key])
      .filter((value) => value !== undefined)
      .map(text)
    const colour = line['outcome'] === 'refused' ? 'yellow' : line['outcome'] === 'failed' ? 'red' : undefined
    const head = facts.map(visible).join('  ')
    const rest = Object.entries(line).filter(([key]) => !unsaid.has(key))
    const tail = rest.map(([key, value]) => `${key}=${visible(text(value))}`).join(' ')
    const words = [paint('dim', visible(time)), colour === undefined ? head : paint(colour, head), paint('dim', tail)]
    return words.join('  ').trimEnd()
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}
