import { request } from 'node:http'
import { formatDuration } from '../config/values.ts'
import { jsonOption, type Command, type CommandContext, type Parsed } from './args.ts'
import { CliError, exitCode, usageError } from './io.ts'
import type { SessionFacts } from '../session/host.ts'
import { painter, print, printJson, table } from '../lib/terminal.ts'

export const sessions: Command = {
  name: 'sessions',
  operands: '[end ID]',
  minOperands: 0,
  maxOperands: 2,
  summary: 'list who is attached to what, or end one session',
  details: `Asks the running daemon over its unix socket. 'sessions end ID' ends a session as its policy would: the program
is resumed, its breakpoints are taken out, the client is told.`,
  options: {
    json: jsonOption,
    socket: { type: 'string', value: 'PATH', help: "the daemon's unix socket, if not that of the configuration" },
  },
  async run(args, context) {
    const [verb, id] = args.positionals
    if (verb === undefined) return list(args, context)
    if (verb !== 'end' || id === undefined)
      throw usageError(`'sessions ${verb}' is not known`, 'Usage: breakwater sessions [end ID]')
    const answer = await ask(await socketPath(args, context), 'DELETE', `/sessions/${encodeURIComponent(id)}`)
    if (answer.status === 404)
      throw new CliError(exitCode.failed, `there is no session '${id}'`, "See 'breakwater sessions'.")
    expectStatus(answer, 204)
    if (args.flag('json')) printJson(context.io.stdout, { ended: id })
    else print(context.io.stdout, `Session ${id} is ended.`)
    return exitCode.ok
  },
}

async function list(args: Parsed, context: CommandContext): Promise<typeof exitCode.ok> {
  const { stdout, env } = context.io
  const answer = await ask(await socketPath(args, context), 'GET', '/sessions')
  expectStatus(answer, 200)
  const body = JSON.parse(answer.body) as { sessions: SessionFacts[] }
  if (args.flag('json')) printJson(stdout, body)
  else if (body.sessions.length === 0) print(stdout, 'No sessions.')
  else
    print(
      stdout,
      table(
        head,
        body.sessions.map((line) => row(line, Date.now())),
        painter(stdout, env),
      ),
    )
  return exitCode.ok
}

const head = ['ID', 'TARGET', 'MODE', 'WHO', 'CLIENT', 'FROM', 'SINCE', 'ENDS IN', 'STATE']

function row(line: SessionFacts, nowMs: number): string[] {
  const ends = [line.endsAt, line.idleEndsAt].filter((ms) => ms !== undefined)
  const left = ends.length === 0 ? '-' : formatDuration(Math.max(0, Math.min(...ends) - nowMs))
  const paused = line.pausedSince === undefined ? '' : ` for ${formatDuration(nowMs - line.pausedSince)}`
  const since = formatDuration(nowMs - line.since)
  return [line.id, line.target, line.mode, line.identity, line.client, line.peer, since, left, `${line.state}${paused}`]
}

async function socketPath(args: Parsed, { loadConfig }: CommandContext): Promise<string> {
  const given = args.text('socket')
  if (given !== undefined) return given
  const { unix } = (await loadConfig()).listen
  if (unix !== undefined) return unix
  throw new CliError(
    exitCode.unavailable,
    'the daemon has no unix socket: listen.unix is off',
    'Turn it on and restart the daemon.',
  )
}

interface Answer {
  readonly status: number
  readonly body: string
}

const answerWithinMs = 10_000
const maxAnswerBytes = 16 * 1024 * 1024

function ask(socketPath: string, method: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, headers: { host: 'breakwater' } }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        body += chunk
        if (body.length > maxAnswerBytes) response.destroy(new Error('the answer is too long'))
      })
      response.on('error', (error) => reject(unreachable(socketPath, error)))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    })
    outgoing.setTimeout(answerWithinMs, () =>
      outgoing.destroy(new Error(`no answer within ${formatDuration(answerWithinMs)}`)),
    )
    outgoing.on('error', (error) => reject(unreachable(socketPath, error)))
    outgoing.end()
  })
}

function unreachable(path: string, error: NodeJS.ErrnoException): CliError {
  if (error.code === 'EACCES') {
    return new CliError(exitCode.noPermission, `'${path}' belongs to another user`, 'Ask as the user of the daemon.')
  }
  const none = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
  const message = none ? `no daemon answers at '${path}'` : `the daemon at '${path}' does not answer: ${error.message}`
  return new CliError(
    exitCode.unavailable,
    message,
    "Start one with 'breakwater serve', or name its socket with --socket.",
  )
}

function expectStatus({ status, body }: Answer, wanted: number): void {
  if (status === wanted) return
  throw new CliError(exitCode.failed, `the daemon answered with status ${status}: ${body.slice(0, 200)}`)
}
