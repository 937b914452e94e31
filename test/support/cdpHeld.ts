import type { Call } from '../../src/dap/call.ts'
import type { Arguments, Body, EventName } from '../../src/dap/call.ts'
import type { Command, Events } from '../../src/dap/protocol.ts'
import { Breakpoints, type Decision } from '../../src/backend/cdp/breakpoints/breakpoints.ts'
import { discover, dialer, openInspector } from '../../src/backend/cdp/discovery.ts'
import { farFiles } from '../../src/transport/farFiles.ts'
import { ProgramSources } from '../../src/backend/cdp/maps/programSources.ts'
import type { Parts, Stop, Thread } from '../../src/backend/cdp/parts.ts'
import { Scripts } from '../../src/backend/cdp/scripts.ts'
import { direct } from '../../src/transport/direct.ts'
import { silentLog } from './backendSession.ts'
import { until, type Debuggee } from './debuggee.ts'

export interface HeldStop {
  readonly stop: Stop
  readonly decision: Extract<Decision, { kind: 'stop' }>
  /** 0-based, of the script. */
  readonly line: number
}

/** The breakpoints of one real Node, with the least around them that they need. */
export interface Held {
  readonly breakpoints: Breakpoints
  readonly thread: Thread
  readonly seen: { readonly event: EventName; readonly body: unknown }[]
  /** How often V8 has paused, for whatever reason. */
  pauses(): number
  ask<C extends Command>(command: C, args: Arguments<C>): Promise<NonNullable<Body<C>>>
  /** Evaluates in the program, as nobody but the program would; the value. */
  run(expression: string): Promise<unknown>
  /** Waits for the next stop that is one to the client. */
  stopped(): Promise<HeldStop>
  resume(): void
  events<E extends EventName>(event: E): Events[E][]
  /** All that log points have said. */
  logged(): string
  end(): Promise<void>
}

export async function holdNode(program: Debuggee, readOnly = false): Promise<Held> {
  const transport = direct()
  const { signal } = new AbortController()
  const address = { host: '127.0.0.1', port: program.port }
  const where = `127.0.0.1:${program.port}`
  const dial = dialer(transport, address)
  const { targets } = await discover(dial, where, signal)
  const inspector = await openInspector(dial, targets[0]!, where, silentLog, signal)
  const sources = new ProgramSources({
    settings: {},
    files: farFiles(transport, address),
    log: silentLog,
    readyMs: 30_000,
  })
  const seen: { event: EventName; body: unknown }[] = []
  const stops: HeldStop[] = []
  let lastId = 0
  let paused = 0
  let resumed = 0
  const isOpen = (): boolean => resumed < stops.length
  const parts: Parts = {
    options: { address, listen: false, client: { adapterID: 'test' }, settings: {} },
    context: {
      transport,
      signal,
      log: silentLog,
      guard: { readOnly },
      emit: (event, body) => void seen.push({ event, body }),
      child() {},
    },
    log: silentLog,
    nextId: () => ++lastId,
    threads: () => [thread],
    thread: () => thread,
    frame: () => undefined,
  }
  const { main: cdp } = inspector
  const scripts = new Scripts(cdp, (script) => sources.scriptRemoved(script))
  const thread: Thread = { id: 1, name: 'main', cdp, scripts, stop: undefined }
  scripts.onScript((script) => sources.scriptAdded(script, () => scripts.textOf(script)))
  // However busy the machine is: a map comes before its script runs.
  const breakpoints = new Breakpoints(parts, sources, 30_000)
  const decided = (stop: Stop, decision: Decision): void => {
    if (decision.kind === 'resume') cdp.send('Debugger.resume')
    else stops.push({ stop, decision, line: stop.event.callFrames[0]!.location.lineNumber })
  }
  cdp.on('Debugger.paused', (event) => {
    paused += 1
    const stop: Stop = { thread, event, frames: [] }
    const decision = breakpoints.paused(stop)
    if (decision instanceof Promise) void decision.then((made) => decided(stop, made))
    else decided(stop, decision)
  })
  await Promise.all([cdp.request('Runtime.enable'), cdp.request('Debugger.enable', {})])
  await breakpoints.threadAdded(thread)
  const held: Held = {
    breakpoints,
    thread,
    seen,
    pauses: () => paused,
    ask(command, args) {
      const handler = breakpoints.handlers[command] as ((call: Call) => Promise<never>) | undefined
      if (handler === undefined) throw new Error(`no handler for ${command}`)
      return handler({ command, arguments: args, signal, remainingMs: () => 30_000 } as Call)
    },
    async run(expression) {
      const { result, exceptionDetails } = await cdp.request<{
        result: { value?: unknown }
        exceptionDetails?: { exception?: { description?: string } }
      }>('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? 'thrown')
      return result.value
    },
    async stopped() {
      await until('a stop', isOpen)
      return stops[resumed]!
    },
    resume() {
      resumed += 1
      cdp.send('Debugger.resume')
    },
    events: (event) => seen.filter((each) => each.event === event).map(({ body }) => body as never),
    logged: () =>
      held
        .events('output')
        .filter(({ category }) => category === 'stdout')
        .map(({ output }) => output)
        .join(''),
    async end() {
      await inspector.close()
      await sources[Symbol.asyncDispose]()
      await transport[Symbol.asyncDispose]()
    },
  }
  return held
}
