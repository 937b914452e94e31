import { ConfigError } from '../config/problem.ts'
import { isLoopback, formatHostPort } from '../config/values.ts'
import type { Config } from '../config/config.ts'
import { deferred } from '../lib/deferred.ts'
import type { Log } from '../lib/log.ts'
import { openLog } from '../telemetry/log.ts'
import type { Command, CommandContext } from './args.ts'
import type { Daemon } from './daemon.ts'
import { exitCode, type ExitCode, type Io } from './io.ts'
import { prettyLog } from './prettyLog.ts'
import { painter } from '../lib/terminal.ts'

export const serve: Command = {
  name: 'serve',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'run the daemon',
  details: `SIGHUP reads the configuration anew, whole or not at all: when it is wrong, the old one stays. Running sessions keep
their limits or get tighter ones. SIGTERM and SIGINT drain: programs are resumed, breakpoints taken out, clients told.
A second one ends at once.`,
  options: {},
  async run(_args, context) {
    const { io } = context
    const config = await context.loadConfig()
    const log = openDaemonLog(config, io)
    // A bug in one session must not end all the others, nor leave their programs held.
    io.onUnhandled((error) => log.error({ err: error }, 'a bug: an error that nobody has caught; the daemon goes on'))
    for (const warning of config.warnings) log.warn({}, warning)
    // Loaded here: the other commands start in half the time without all that a daemon needs.
    const { startDaemon } = await import('./daemon.ts')
    const daemon = await startDaemon(config, io, log)
    log.info(
      { ...listening(daemon), targets: config.targets.size, config: config.file ?? 'none' },
      'Breakwater listens',
    )
    return await untilEnded(daemon, config, context, log)
  },
}

/** JSON lines for a machine, plain ones for a person; on stderr, because the audit may go to stdout. */
export function openDaemonLog(config: Config, io: Io): Log {
  const pretty = io.stderr.isTTY === true
  return openLog(config.log.level, pretty ? prettyLog(io.stderr, painter(io.stderr, io.env)) : io.stderr)
}

function listening({ server }: Daemon): { tcp?: string; unix?: string } {
  const { tcp, unix } = server.addresses
  return { ...(tcp === undefined ? {} : { tcp: formatHostPort(tcp) }), ...(unix === undefined ? {} : { unix }) }
}

async function untilEnded(daemon: Daemon, config: Config, context: CommandContext, log: Log): Promise<ExitCode> {
  const { io } = context
  const ended = deferred<ExitCode>()
  let draining = false
  const onEnd = (signal: string): void => {
    if (draining) {
      log.warn({ signal }, 'ending at once')
      daemon.end()
      return ended.resolve(exitCode.failed)
    }
    draining = true
    log.info({ signal }, 'draining: no new sessions, programs are resumed, clients are told')
    daemon.drain().then(
      () => ended.resolve(exitCode.ok),
      (error: unknown) => ended.reject(error instanceof Error ? error : new Error(String(error))),
    )
  }
  const reloader = new Reloader(daemon, config, context, log)
  using _term = io.onSignal('SIGTERM', () => onEnd('SIGTERM'))
  using _int = io.onSignal('SIGINT', () => onEnd('SIGINT'))
  using _hup = io.onSignal('SIGHUP', () => reloader.reload())
  const code = await ended.promise
  log.info({}, 'ended')
  return code
}

/** One reload at a time, and the last one asked for is the last one done. */
class Reloader {
  readonly #daemon: Daemon
  readonly #context: CommandContext
  readonly #log: Log
  /** What the listeners, the audit and the log were opened with: those are made once. */
  readonly #first: Config
  #done: Promise<void> = Promise.resolve()

  constructor(daemon: Daemon, config: Config, context: CommandContext, log: Log) {
    this.#daemon = daemon
    this.#first = config
    this.#context = context
    this.#log = log
  }

  reload(): void {
    this.#done = this.#done.then(() => this.#reload())
  }

  async #reload(): Promise<void> {
    // Log rotation sends SIGHUP too, whether the configuration is right or not.
    this.#daemon.reopenAudit()
    try {
      const config = await this.#context.loadConfig()
      const refusal = this.#refusal(config)
      if (refusal !== undefined) return this.#log.error({}, `the configuration was not reloaded: ${refusal}`)
      for (const warning of config.warnings) this.#log.warn({}, warning)
      for (const key of ['listen', 'audit', 'log'] as const) {
        if (!same(key, config, this.#first)) this.#log.warn({ key }, `a change of '${key}' needs a restart`)
      }
      this.#daemon.reload(config)
      this.#log.info({ config: config.file ?? 'none', targets: config.targets.size }, 'the configuration was reloaded')
    } catch (error) {
      const problems =
        error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error)
      this.#log.error({ problems }, 'the configuration was not reloaded; the old one stays')
    }
  }

  /** The listener stays where it is, so it is that address which must not lose its authentication. */
  #refusal(config: Config): string | undefined {
    const { tcp } = this.#first.listen
    if (tcp === undefined || isLoopback(tcp.host) || config.auth.tokens.length > 0) return undefined
    return `the daemon listens on ${formatHostPort(tcp)}, and the new one has no auth.tokens; the old one stays`
  }
}

/** `listen.origins` can change at any time; where we listen cannot. */
function same(key: 'listen' | 'audit' | 'log', one: Config, other: Config): boolean {
  const text = (config: Config): string =>
    JSON.stringify(key === 'listen' ? { tcp: config.listen.tcp, unix: config.listen.unix } : config[key])
  return text(one) === text(other)
}
