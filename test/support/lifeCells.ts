import { setTimeout as delay } from 'node:timers/promises'
import { Client } from './client.ts'
import type { Cli } from './cli.ts'
import { until, type Debuggee } from './debuggee.ts'
import type { End, Lost } from './lifeEnds.ts'
import type { LifeWorld } from './lifeWorld.ts'

/** How far a session has come when its end begins. */
export type Stage = 'connecting' | 'configuring' | 'running' | 'stopped' | 'evaluating' | 'evaluating for ever'

export const stages: readonly Stage[] = ['connecting', 'configuring', 'running', 'stopped', 'evaluating']

/** A session in some stage, about to end. */
export interface Held {
  readonly stage: Stage
  readonly client: Client
  readonly debuggee: Debuggee
  /** What the client waits for: its attach, or its evaluation; its error once it has failed. */
  readonly pending: Promise<string | undefined>
  /** The daemon as a process of its own, for ends by a signal. */
  readonly cli: Cli | undefined
}

/** `pauseMax` ends a stop and no session: the program runs on, the client is told, and can hold it again. */
export async function longestPause(world: LifeWorld): Promise<{ heldMs: number; text: string }> {
  world.rare = false
  const debuggee = world.useMain()
  const client = await Client.connect(world.daemon.port)
  const target = { target: 'far-brief-main' }
  await client.attach(target, (c) => c.break(debuggee.file, debuggee.line('RARE')))
  world.rare = true
  await client.event('stopped')
  const since = performance.now()
  world.rare = false
  await client.event('continued')
  await debuggee.runsOn(2)
  const heldMs = performance.now() - since
  world.rare = true
  await client.event('stopped')
  world.rare = false
  await client.disconnect()
  await debuggee.runsOn(15)
  return { heldMs, text: client.output() }
}

/**
 * A router that forgets its connections, as after a restart or a night's sleep: who attaches again is not given the
 * SSH connection that is dead.
 */
export async function comesBack(world: LifeWorld): Promise<{ toldMs: number; backMs: number; text: string }> {
  const debuggee = world.useMain()
  const attach = async (): Promise<Client> => {
    const client = await Client.connect(world.daemon.port)
    const target = { target: 'quiet-look-main' }
    await client.attach(target, (c) => c.break(debuggee.file, debuggee.line('BREAK')))
    await client.event('stopped')
    return client
  }
  const client = await attach()
  world.quiet.forget()
  const since = performance.now()
  await client.event('terminated')
  const toldMs = performance.now() - since
  const again = await attach()
  const backMs = performance.now() - since
  await again.disconnect()
  client.connection.close()
  await debuggee.runsOn(15)
  return { toldMs, backMs, text: client.output() }
}

/** Without SSH nobody is at the far side: what a silent link then means. The relay's own end of it lives, as a NAT's. */
export async function silentDirectly(world: LifeWorld): Promise<{ toldMs: number; heldOn: boolean; text: string }> {
  const debuggee = world.useMain()
  const client = await Client.connect(world.daemon.port)
  const target = { target: 'here-brief-spare' }
  await client.attach(target, (c) => c.break(debuggee.file, debuggee.line('BREAK')))
  await client.event('stopped')
  world.near.silence()
  const since = performance.now()
  const from = debuggee.ticks()
  await client.event('terminated', undefined, patienceMs)
  const toldMs = performance.now() - since
  const heldOn = debuggee.ticks() === from
  world.near.resume()
  client.connection.close()
  await debuggee.runsOn(15)
  return { toldMs, heldOn, text: client.output() }
}

const pressed = (command: Promise<unknown>): Promise<string | undefined> =>
  command.then(
    () => undefined,
    (error: Error) => error.message,
  )

/** What of the program's side does not survive this end, if anything. */
function lost(end: End, stage: Stage, world: LifeWorld): Lost | undefined {
  return end.loses ?? (end.severs && stage.startsWith('evaluating') ? world.subject.severed : undefined)
}

function policyOf(end: End, stage: Stage): string {
  if (stage === 'connecting' && end.name === 'the policy ends it') return 'impatient'
  return stage.startsWith('evaluating') ? 'change' : 'look'
}

/** A session that has come so far. The cleaning up is for when it has not. */
export async function reach(stage: Stage, end: End, world: LifeWorld): Promise<Held> {
  world.rare = false
  const spare = lost(end, stage, world) !== undefined || stage === 'connecting' || end.near === true
  const debuggee = lost(end, stage, world) === undefined ? world.useMain() : await world.useSpare()
  const policy = policyOf(end, stage)
  const target = `${end.way ?? world.subject.usualWay}-${policy}-${spare ? 'spare' : 'main'}`
  const served = end.daemon === 'process' ? await world.home.serve() : undefined
  const client = await Client.connect(served?.port ?? world.daemon.port)
  try {
    return await advance({ stage, client, debuggee, cli: served?.cli }, target, world)
  } catch (error) {
    client.connection.close()
    await served?.cli.kill()
    world.near.resume()
    throw error
  }
}

async function advance(held: Omit<Held, 'pending'>, target: string, world: LifeWorld): Promise<Held> {
  const { stage, client, debuggee } = held
  if (stage === 'connecting') {
    const before = world.near.accepted()
    world.near.silence()
    await client.initialize()
    const pending = pressed(client.request('attach', { target } as never))
    await until('the debugger is dialled', () => world.near.accepted() > before)
    return { ...held, pending }
  }
  const line = debuggee.line(stage === 'running' ? 'RARE' : 'BREAK')
  await client.initialize()
  const attached = client.request('attach', { target } as never)
  // A slow attach is answered early: only its failure counts here.
  await Promise.race([client.event('initialized'), new Promise((_, reject) => void attached.catch(reject))])
  const { hot } = world.subject
  const also = hot === undefined ? [] : [{ line: debuggee.line(hot.name), condition: hot.condition }]
  await client.break(debuggee.file, line, ...also)
  if (stage === 'configuring') return { ...held, pending: Promise.resolve(undefined) }
  await client.request('configurationDone', {})
  await attached
  if (stage === 'running') {
    // What the backend asks of the debugger by itself at the beginning is over by then.
    await client.request('threads', undefined)
    await debuggee.runsOn(20)
  }
  if (stage === 'running') return { ...held, pending: Promise.resolve(undefined) }
  const { threadId = 0 } = await client.event('stopped')
  const { stackFrames } = (await client.request('stackTrace', { threadId }))!
  if (stage === 'stopped') {
    // Behind what the backend asks by itself at the beginning: an evaluation that is cut off can end debugpy's adapter.
    const { scopes } = (await client.request('scopes', { frameId: stackFrames[0]!.id }))!
    await client.request('variables', { variablesReference: scopes[0]!.variablesReference })
    return { ...held, pending: Promise.resolve(undefined) }
  }
  const { armed, evaluations } = world.subject
  const expression = evaluations[stage]
  if (expression === undefined) throw new Error(`${world.subject.name} has no '${stage}'`)
  const from = debuggee.lines.length
  const logged = world.log(held.cli).length
  const pending = pressed(client.request('evaluate', { expression, frameId: stackFrames[0]!.id, context: 'repl' }))
  await debuggee.printed(/^evaluating/, from)
  // From now on the program can end it by itself.
  if (stage === 'evaluating for ever' && armed !== undefined)
    await until('it has its own end', () => world.log(held.cli).includes(armed, logged))
  return { ...held, pending }
}

export interface Freed {
  /** From the end to the program's next tick. */
  readonly runsMs: number
  /** From the end to an attach of somebody else that succeeds; undefined where the adapter is lost. */
  readonly attachableMs: number | undefined
  /** What attaches were told before that. */
  readonly refused: readonly string[]
}

/** Nothing is timed by it: a program that was not let go would never pass. */
const patienceMs = 60_000

/** Proves that the program runs, over both lines; and that a newcomer who sets no breakpoint meets none. */
export async function freed(held: Held, end: End, world: LifeWorld): Promise<Freed> {
  const { debuggee } = held
  const since = performance.now()
  const from = debuggee.ticks()
  await end.begin(held, world)
  if (lost(end, held.stage, world) === 'program') return { runsMs: 0, attachableMs: undefined, refused: [] }
  // One tick may have been on its way.
  let ended: number | string | undefined
  void debuggee.exited.then((how) => (ended = how))
  await until(
    'the program runs on',
    () => {
      if (ended !== undefined)
        throw new Error(`the program has ended: ${ended}: ${debuggee.lines.slice(-5).join(' | ')}`)
      return debuggee.ticks() >= from + 2
    },
    patienceMs,
  )
  const runsMs = performance.now() - since
  if (lost(end, held.stage, world) === 'adapter') {
    await overBothLines(debuggee, world)
    return { runsMs, attachableMs: undefined, refused: [] }
  }
  // An inspector lets a newcomer in beside a session that is silent, and shows it what that one's breakpoints do.
  if (held.stage !== 'connecting') {
    const isOver = (): boolean => world.daemon.sessions.facts().length === 0 && world.leftovers().length === 0
    await until('the session is over, at both sides', isOver, patienceMs)
  }
  if (world.subject.holdsAlone === true) await overBothLines(debuggee, world)
  return { runsMs, ...(await attachable(world, since)) }
}

async function attachable(world: LifeWorld, since: number): Promise<Omit<Freed, 'runsMs'>> {
  const refused: string[] = []
  let why: string | undefined
  const endMs = performance.now() + patienceMs
  do {
    const client = await Client.connect(world.daemon.port)
    try {
      await client.initialize()
      const attached = pressed(client.request('attach', { target: `${world.subject.usualWay}-look-main` } as never))
      const told = ['initialized', 'terminated']
      const seen = client.until('an answer', patienceMs, () => client.events.some(({ event }) => told.includes(event)))
      why = (await Promise.race([attached.then(async (error) => error ?? (await seen)), seen])) ?? undefined
      if (client.events.some(({ event }) => event === 'terminated')) why = client.output()
      if (why !== undefined) {
        refused.push(why)
        await delay(20)
        continue
      }
      await client.request('configurationDone', {})
      await attached
      const attachableMs = performance.now() - since
      await overBothLines(world.main, world)
      const stops = client.events.filter((event) => event.event === 'stopped')
      if (stops.length > 0) throw new Error(`a breakpoint was left: ${JSON.stringify(stops)}`)
      await client.disconnect()
      return { attachableMs, refused }
    } finally {
      client.connection.close()
    }
  } while (performance.now() < endMs)
  throw new Error(`no new attach for ${patienceMs} ms: ${why}`)
}

async function overBothLines(debuggee: Debuggee, world: LifeWorld): Promise<void> {
  await debuggee.runsOn(15)
  world.rare = true
  await debuggee.runsOn(15)
  world.rare = false
}

/** What the client was told, once it can be known: `terminated` once, and why. */
export async function told(held: Held, end: End): Promise<{ text: string; terminated: number }> {
  const { client } = held
  const error = await held.pending
  if (end.tells !== undefined && !(held.stage === 'connecting' && error !== undefined)) {
    await client.until('terminated', patienceMs, () => client.events.some((event) => event.event === 'terminated'))
  }
  client.connection.close()
  await client.connection.closed
  const terminated = client.events.filter((event) => event.event === 'terminated').length
  return { text: `${client.output()}${error ?? ''}`, terminated }
}
