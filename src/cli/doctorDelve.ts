import { findProcess, start } from '../backend/delve/start.ts'
import { findListener, nameOf, parseDelve, passesOn, type Listening } from '../backend/delve/listener.ts'
import type { Facts } from '../backend/delve/parts.ts'
import { DelveProbe } from '../backend/delve/probe.ts'
import type { TargetConfig } from '../config/config.ts'
import type { Log } from '../lib/log.ts'
import { nobodyListens } from '../session/starting.ts'
import { HopError, type Address } from '../transport/transport.ts'
import type { Step } from './doctor.ts'
import { checkGoPaths } from './doctorGoPaths.ts'
import { closedPort, type Opener, type StartHops } from './doctorStart.ts'

export interface DelveHops extends StartHops {
  readonly address: Address
  /** The address, for messages. */
  readonly where: string
  readonly log: Log
  readonly cwd: string
  readonly configFile: string | undefined
}

const startAdvice = `Start it as: dlv attach PID --headless --accept-multiclient --api-version=2 --continue --listen=127.0.0.1:PORT
or in the place of the program: dlv exec ./app --headless --accept-multiclient --api-version=2 --continue --listen=…`

/**
 * Who listens is found out without a connection, since a Delve for a single client is dead after its first. Only one that is
 * known to take several is asked who it is, and where nobody else is connected to it, what the program was built from.
 */
export async function* examineDelve(hops: DelveHops, entering: (hop: string) => void): AsyncGenerator<Step, void> {
  let found = await whoListens(hops)
  if (found instanceof HopError) {
    const step = await closedPort(hops, found, openerOf(hops), howToOpen)
    yield step
    if (!hops.start || step.outcome !== 'ok') return
    found = await whoListens(hops)
    if (found instanceof HopError) throw found
  }
  if (typeof found === 'string') {
    const detail = `${hops.where} is not tried, since ${found}`
    const advice =
      'A Delve without --accept-multiclient is dead after its first client, so nobody connects to it just to look. Attaching does.'
    yield { hop: 'port', outcome: 'warning', detail, advice }
    return
  }
  entering('debugger')
  const step = refused(found, hops.where)
  yield { hop: 'port', outcome: 'ok', detail: `${hops.where} is open: ${processText(found)}` }
  if (step !== undefined) yield { hop: 'debugger', ...step }
  else yield* askDelve(hops, found, entering)
}

/** The one who listens; why that cannot be known; or that nobody does. */
async function whoListens({
  target,
  transport,
  address,
  where,
  signal,
}: DelveHops): Promise<Listening | string | HopError> {
  if (target.way.kind === 'command') return 'behind a command it cannot be seen who listens'
  if ('host' in address && !/^(127\.|localhost$|::1$)/.test(address.host)) {
    return `${address.host} is another machine, where it cannot be seen who listens`
  }
  try {
    const found = await findListener(address, transport, signal)
    if (found.kind === 'unknown') return `it cannot be seen who listens: ${found.why}`
    if (found.kind === 'nobody') {
      return new HopError(transport.name, 'unreachable', `${where}: nothing listens there`, '')
    }
    if (found.listener !== undefined && passesOn(found.listener.argv)) {
      return `${processText(found)} listens there, and it cannot be seen what is behind it`
    }
    if (found.listener === undefined && found.uid === found.ourUid) return 'the process that listens cannot be found'
    return found
  } catch (error) {
    if (nobodyListens(error) === undefined) throw error
    return `nothing can be run there to see who listens (${(error as HopError).message})`
  }
}

function processText({ listener, uid }: Listening): string {
  if (listener === undefined) return `a process of user ${uid}`
  const { pid, argv } = listener
  const text = argv.join(' ')
  return `${text.length > 120 ? `${text.slice(0, 119)}…` : text} (process ${pid})`
}

/** Why it is not asked; `undefined` where it may be. */
function refused(found: Listening, where: string): Omit<Step, 'hop'> | undefined {
  const { listener, uid, ourUid, clients } = found
  const dlv = listener === undefined ? undefined : parseDelve(listener.argv)
  if (listener !== undefined && dlv === undefined) {
    const detail = `${nameOf(listener.argv)} (process ${listener.pid}) listens at ${where}, which is no Delve`
    return { outcome: 'failed', detail, advice: `Correct at, or stop that process.\n${startAdvice}` }
  }
  if (ourUid !== undefined && uid !== ourUid && dlv?.sameUserOnly !== false) {
    const detail = `it is user ${uid}'s, and the way to it ends as user ${ourUid}: Delve resets the connections of others`
    const advice = `Let the way end as user ${uid} (ssh: USER@HOST; via: [sudo, -u, USER, …]), or start dlv with --only-same-user=false.`
    return { outcome: 'failed', detail, advice }
  }
  if (dlv === undefined) return { outcome: 'warning', detail: 'it is not asked: its command line cannot be seen' }
  if (dlv.how === 'dap') {
    const detail = "it is 'dlv dap', which speaks only the Debug Adapter Protocol and starts its own programs"
    return { outcome: 'failed', detail, advice: startAdvice }
  }
  if (!dlv.headless) {
    return { outcome: 'failed', detail: `it is 'dlv ${dlv.how}' in a terminal, not headless`, advice: startAdvice }
  }
  if (dlv.multiclient) return undefined
  if (clients > 0) {
    const detail = 'it serves a single client (no --accept-multiclient), and has one'
    return {
      outcome: 'failed',
      detail,
      advice: `End that session first; its end is the end of this Delve.\n${startAdvice}`,
    }
  }
  const detail = 'it serves a single client (no --accept-multiclient), so it is not asked: who comes and goes ends it'
  return { outcome: 'warning', detail, advice: `Attaching works once: ${whatEnds(dlv.how)}` }
}

/** With a session on a Delve that serves a single client. */
function whatEnds(how: string): string {
  if (how === 'core' || how === 'replay') return 'its end is the end of this Delve.'
  const end = how === 'attach' ? 'the program then runs on' : 'and of the program, which it has started'
  return `its end is the end of this Delve, ${end}. A step is given up where a log point or a change of breakpoints meets it.\n${startAdvice}`
}

async function* askDelve(
  hops: DelveHops,
  { listener, clients }: Listening,
  entering: (hop: string) => void,
): AsyncGenerator<Step, void> {
  const { transport, address, where, log, signal } = hops
  const probe = await DelveProbe.open(await transport.dial(address, signal), where, log, signal)
  try {
    if (parseDelve(listener?.argv ?? [])?.continues === true) await probe.continued()
    const { state, facts } = probe
    // A program that runs has to be held for it: never beside another client, whose stop it would be.
    const built = state.exited || clients > 0 ? undefined : await probe.built()
    const goVersion = built === undefined ? facts.targetGoVersion : built.goVersion
    const pid = built?.pid ?? facts.pid
    const runs = state.exited ? 'has ended' : state.Running ? 'runs' : 'is stopped'
    const how = howText(facts)
    const program = `the program (${how}${pid === undefined ? '' : `, process ${pid}`}) ${runs}`
    const go = goVersion === undefined || goVersion === '' ? '' : `, and is of ${goVersion}`
    yield { hop: 'debugger', outcome: 'ok', detail: `Delve ${facts.version} answers: ${program}${go}` }
    if (built !== undefined && goVersion !== undefined) yield* goWarnings(facts, goVersion)
    yield* clientWarnings(listener?.argv ?? [], clients)
    if (state.exited) return
    entering('paths')
    if (built !== undefined) yield* checkGoPaths(hops, built, state.Running)
    else {
      const detail = 'are not looked at: the program would have to be held for that, beside another client'
      yield { hop: 'paths', outcome: 'ok', detail }
    }
  } finally {
    await probe.close()
  }
}

function howText({ backend, recorded, attached }: Facts): string {
  if (backend === 'core') return 'a core file'
  if (recorded) return 'a recording'
  return attached ? 'attached' : 'started by it'
}

function* goWarnings({ goVersions }: Facts, goVersion: string): Generator<Step> {
  if (goVersion === '') {
    const detail = 'the program has no debug information: no variables, and lines only of what Go itself keeps'
    const advice = "Build it without -ldflags '-s -w', and do not strip it."
    yield { hop: 'debugger', outcome: 'warning', detail, advice }
  } else if (goVersions !== undefined && !within(goVersion, goVersions)) {
    const { min, max } = goVersions
    const detail = `this Delve knows Go ${min} to ${max}, and the program is of ${goVersion}: values may be shown wrong`
    const advice = 'Use the Delve that fits: go install github.com/go-delve/delve/cmd/dlv@VERSION'
    yield { hop: 'debugger', outcome: 'warning', detail, advice }
  }
}

function* clientWarnings(argv: readonly string[], clients: number): Generator<Step> {
  if (parseDelve(argv)?.apiVersion === 1) {
    const detail = 'it was started with version 1 of its API'
    const advice = 'It is set to version 2 for all its clients. Start it with --api-version=2.'
    yield { hop: 'debugger', outcome: 'warning', detail, advice }
  }
  if (clients === 0) return
  const many = clients === 1 ? 'another client is' : `${clients} other clients are`
  const detail = `${many} connected to it, which may be a session of Breakwater too`
  const advice = 'Delve tells nobody of what the others do: whoever continues or stops the program does so for all.'
  yield { hop: 'debugger', outcome: 'warning', detail, advice }
}

/** By major and minor version, as Delve itself compares them. */
function within(version: string, { min, max }: { readonly min: string; readonly max: string }): boolean {
  const number = (text: string): number => {
    const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(text) ?? []
    return Number(major) * 1_000 + Number(minor)
  }
  return number(version) >= number(min) && number(version) <= number(max)
}

/** What the target's `start` would do about a closed port. */
function openerOf({
  target,
  address,
}: {
  readonly target: TargetConfig
  readonly address: Address
}): Opener | undefined {
  const recipe = target.start
  if (recipe === undefined || recipe.kind === 'signal') return undefined
  return {
    start: (way, signal) => start(recipe, address, way, signal),
    would: async (way, signal) => {
      if (recipe.kind === 'command') return `run: ${recipe.argv.join(' ')}`
      return `run: ${await findProcess(recipe, address, way, signal)}\nIt holds the program while Delve reads its debug information.`
    },
  }
}

const howToOpen = `${startAdvice}
Breakwater does that itself where the target has start: { process: /srv/app } (or pid, pidFile, or a command).`
