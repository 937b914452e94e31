import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '../config/load.ts'
import { editorConfigurations } from '../demo/editors.ts'
import { Program, type Sample } from '../demo/program.ts'
import { nodeSample, pythonSample } from '../demo/samples.ts'
import { tour } from '../demo/tour.ts'
import { deferred } from '../lib/deferred.ts'
import { Scope } from '../lib/scope.ts'
import { openLog } from '../telemetry/log.ts'
import type { Command, Parsed } from './args.ts'
import { CliError, exitCode, type ExitCode, type Io } from './io.ts'
import { painter, print } from '../lib/terminal.ts'

const target = 'orders'
const usualPort = 4711

export const demo: Command = {
  name: 'demo',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'show all of it with a small program of our own',
  details: `Starts a sample service in TypeScript with its inspector open and the daemon in front of it, attaches a scripted
client through the daemon's port, shows what it sees and what is refused, and stays up for your own editor until Ctrl-C.`,
  options: {
    once: { type: 'boolean', help: 'end after the tour' },
    python: { type: 'boolean', help: 'with a sample service in Python, under debugpy' },
    port: {
      type: 'string',
      value: 'PORT',
      help: `listen there (default ${usualPort}, or any free one if that is taken)`,
    },
  },
  async run(args, { io }) {
    const sample = args.flag('python') ? await pythonSample(io.env) : nodeSample(io.execPath, io.env, process.version)
    if (sample === undefined) throw new CliError(exitCode.unavailable, noDebugpy, howToGetDebugpy)
    const scope = new Scope()
    try {
      return await show(args, sample, io, scope)
    } finally {
      await scope[Symbol.asyncDispose]()
    }
  },
}

const noDebugpy = 'the demo in Python needs a Python 3 with debugpy, and none was found'
const howToGetDebugpy = `Get it with: pip install debugpy --target ~/breakwater-demo
and start the demo with: PYTHONPATH=~/breakwater-demo npm run demo -- --python`

/** Everything that is opened is put into the scope, and undone in reverse when this returns or throws. */
async function show(args: Parsed, sample: Sample, io: Io, scope: Scope): Promise<ExitCode> {
  const paint = painter(io.stdout, io.env)
  const say = (text: string): void => print(io.stdout, text)
  const folder = await mkdtemp(join(tmpdir(), 'breakwater-demo-'))
  scope.add(() => rm(folder, { recursive: true, force: true }))
  const stopped = deferred<'stopped'>()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const signal = io.onSignal(name, () => stopped.resolve('stopped'))
    scope.add(() => signal[Symbol.dispose]())
  }
  const program = scope.use(await Program.start(sample))
  say(`A sample service runs (process ${program.pid}), with ${sample.debugger} at 127.0.0.1:${program.port}.`)
  const file = join(folder, 'config.yaml')
  const text = configText(await choosePort(args.text('port')), sample.backend, program.port)
  await writeFile(file, text)
  const config = await parseConfig(file, text, io)
  const log = openLog('error', io.stderr)
  const { startDaemon } = await import('./daemon.ts')
  const daemon = await startDaemon(config, io, log)
  scope.add(() => daemon.drain())
  const { port } = daemon.server.addresses.tcp!
  say(`Breakwater is in front of it, at 127.0.0.1:${port}, with this configuration:\n`)
  say(text.replace(/^/gm, '  ').trimEnd())
  const auditFile = join(folder, 'audit.jsonl')
  const told = tour({ port, target, program, auditFile, log, paint, print: say })
  if ((await Promise.race([told, stopped.promise])) === 'stopped') {
    // The tour is cut short by the end of the daemon, which is what the user wants.
    told.catch(() => {})
    return exitCode.ok
  }
  if (args.flag('once')) return exitCode.ok
  say(`\n${paint('bold', 'Now with your own editor')}\n`)
  say(editorConfigurations(port, target, sample))
  say(`\nWho is attached: breakwater sessions --socket ${join(folder, 'breakwater.sock')}`)
  say(`${paint('bold', 'Ctrl-C')} ends the demo.`)
  await stopped.promise
  return exitCode.ok
}

function configText(listenPort: number, backend: string, debuggerPort: number): string {
  return `listen: { tcp: 127.0.0.1:${listenPort}, unix: breakwater.sock }
targets:
  ${target}: { backend: ${backend}, at: 127.0.0.1:${debuggerPort}, policy: inspect }
audit: { file: audit.jsonl }
`
}

async function choosePort(given: string | undefined): Promise<number> {
  if (given === undefined) return (await answers(usualPort)) ? 0 : usualPort
  const port = Number(given)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new CliError(exitCode.usage, `'${given}' is not a port`)
}

/** Whether something listens there: most likely a daemon of the user's own. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const settle = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('error', () => settle(false))
  })
}
