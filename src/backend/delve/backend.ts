import { randomBytes } from 'node:crypto'
import type { Capabilities } from '../../dap/call.ts'
import { DapError, dapError } from '../../dap/errors.ts'
import { deferred } from '../../lib/deferred.ts'
import type { Log } from '../../lib/log.ts'
import { isHere } from '../../transport/direct.ts'
import type { Watch } from '../../transport/transport.ts'
import type { Attach, Backend, BackendContext, BackendKind, BackendOptions, Handlers } from '../backend.ts'
import { Breakpoints } from './breakpoints/breakpoints.ts'
import { Code } from './code.ts'
import { connect, placeOf, type Connected } from './connect.ts'
import { Disassembly } from './disassembly.ts'
import { featuresOf, usualCommands } from './features.ts'
import { Goroutines } from './goroutines.ts'
import { tableOf } from './handlers.ts'
import { keepStepping } from './keepStepping.ts'
import { leave } from './leave.ts'
import type { Frame, Parts } from './parts.ts'
import { pathsOf, type SourcePaths } from './paths.ts'
import { Positions } from './positions.ts'
import { DelveProgram } from './program.ts'
import { isDeadThere, Pulse } from './pulse.ts'
import { delveSettings, type DelveSettings } from './settings.ts'
import { Stacks } from './stack.ts'
import { Stops } from './stops.ts'
import { ThreadIds } from './threadIds.ts'
import { Values } from './values/values.ts'
import { watchFor } from './watch.ts'

/**
 * Delve has one list of breakpoints, one selected goroutine and one lock for all of its clients, and tells none what
 * another does: two sessions would run the program on over each other's stops.
 */
const taken = new Set<string>()

/** Attaches to a `dlv --headless`. See `Attach`. */
export const attach: Attach = async (options, context) => {
  const place = placeOf(context.transport, options.address)
  if (taken.has(place)) throw dapError('alreadyDebugged', { program: `The program behind Delve at ${place}` })
  taken.add(place)
  let isOurs = true
  const release = (): void => {
    // Once: it may be another's already.
    if (isOurs) taken.delete(place)
    isOurs = false
  }
  try {
    const connected = await connect(options, context)
    const backend = new DelveBackend({ connected, options, context, place, release })
    try {
      await backend.attach()
      return backend
    } catch (error) {
      await backend[Symbol.asyncDispose]()
      throw error
    }
  } catch (error) {
    release()
    throw error
  }
}

interface Told {
  readonly pid?: number | undefined
  readonly targetGoVersion?: string | undefined
}

interface Own {
  readonly connected: Connected
  readonly options: BackendOptions
  readonly context: BackendContext
  /** Where this Delve is, for errors. */
  readonly place: string
  /** Lets others attach to this Delve. */
  readonly release: () => void
}

/** Puts the parts together; each of them does one thing. */
class DelveBackend implements Backend, Parts {
  readonly options: BackendOptions
  readonly context: BackendContext
  readonly settings: DelveSettings
  readonly positions: Positions
  readonly paths: SourcePaths
  readonly program: DelveProgram
  readonly prefix = `bw${randomBytes(4).toString('hex')}`
  readonly handlers: Handlers
  readonly features: Capabilities
  readonly #own: Own
  readonly #ids = new ThreadIds()
  readonly #breakpoints: Breakpoints
  readonly #stacks: Stacks
  readonly #stops: Stops
  readonly #closed = deferred<Error | undefined>()
  readonly #pulse: Pulse
  #pid: number | undefined
  #watch: Watch | undefined
  /** Each is said once, though the watch may be renewed. */
  readonly #watchNotes = new Set<string>()
  #isWatchedRunning = false
  #isLost = false
  #lastId = 0
  #isConfigured = false
  #left: Promise<undefined> | undefined

  constructor(own: Own) {
    const { options, context } = own
    const { links, facts } = own.connected
    this.#own = own
    this.options = options
    this.context = context
    this.settings = delveSettings(options.settings)
    this.positions = new Positions(options.client)
    const listener = {
      ran: () => this.#ran(),
      continued: (stop, by) => this.#stops.continued(stop, by),
      stopped: (stop) => this.#stops.stopped(stop),
      passed: (state) => this.#stops.passed(state),
      ended: (how) => {
        // Of a dead program nothing is left to undo.
        this.#isLost = how instanceof Error && !(how instanceof DapError && how.code === 'programEnded')
        this.#stops.ended(how)
      },
    } satisfies ConstructorParameters<typeof DelveProgram>[2]
    this.program = new DelveProgram(links, facts, listener, context.log)
    this.paths = pathsOf(this.program, (sentence) => this.note(sentence))
    const values = new Values(this)
    this.#breakpoints = new Breakpoints(this, (reference, name) => values.find(reference, name))
    const code = new Code(this)
    const goroutines = new Goroutines(this, this.#ids)
    this.#stacks = new Stacks(this, this.#ids, code)
    this.#stops = new Stops({
      parts: this,
      ids: this.#ids,
      hit: (stop) => this.#breakpoints.hit(stop),
      prominent: (stop) => goroutines.prominent(stop),
      closed: (error) => this.#closed.resolve(error),
    })
    this.features = featuresOf()
    const context_ = {
      parts: this,
      stops: this.#stops,
      ids: this.#ids,
      goroutines,
      breakpoints: this.#breakpoints,
      stacks: this.#stacks,
      code,
      disassembly: new Disassembly(this, code),
      configurationDone: () => this.#configurationDone(),
      disconnect: () => this.#leave(),
    }
    this.#pulse = new Pulse({
      program: this.program,
      links,
      where: own.place,
      isDead: (signal) => this.#isDead(signal),
      note: (text) => this.note(text),
      log: context.log,
    })
    this.handlers = tableOf(context_, { ...this.#breakpoints.handlers, ...values.handlers })
  }

  get log(): Log {
    return this.context.log
  }

  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  get isRecord(): boolean {
    const { backend, recorded } = this.program.facts
    return recorded || backend === 'core'
  }

  nextId(): number {
    return ++this.#lastId
  }

  frame(id: number): Frame | undefined {
    return this.#stacks.frame(id)
  }

  restarted(pid: number | undefined): void {
    this.#tellProgram({ pid })
  }

  note(text: string): void {
    if (this.#left !== undefined) return
    this.context.emit('output', { category: 'stderr', output: `[breakwater] ${text}\n` })
  }

  async attach(): Promise<void> {
    const { program } = this
    const { state } = this.#own.connected
    // Before anything of ours is in the program: from then on somebody must take it out if we are gone.
    this.#watch = await this.#watchFor(state === undefined)
    if (state === undefined) this.#adopt()
    else program.found(state)
    this.#stops.attached()
    this.#prepareSteps()
    this.#warn()
    if (state !== undefined) this.#tellProgram(program.facts)
    this.#pulse.begin()
  }

  /** Rejects where its machine cannot be asked. */
  async #isDead(signal: AbortSignal): Promise<boolean> {
    const { transport } = this.context
    if (this.#pid === undefined) throw new Error('its number is not known')
    if (transport.name === 'direct' && !isHere(transport, this.options.address)) throw new Error('it is elsewhere')
    return isDeadThere(this.#pid, transport, signal)
  }

  /** Whose process it is, and of which Go, is known some milliseconds later. */
  #adopt(): void {
    this.program.adopt().then(
      (told) => this.#tellProgram(told),
      (error: unknown) => {
        this.log.info({ err: error }, 'which process it is could not be asked')
        this.#tellProgram({})
      },
    )
  }

  #watchFor(resume: boolean): Promise<Watch | undefined> {
    this.#isWatchedRunning = resume
    if (this.isRecord) return Promise.resolve(undefined)
    const { context, prefix } = this
    const note = (text: string): void => {
      if (!this.#watchNotes.has(text)) this.note(text)
      this.#watchNotes.add(text)
    }
    return watchFor({ context, address: this.options.address, prefix, resume, note })
  }

  /** What was held when we came is left held, unless we have let it run since. */
  #ran(): void {
    if (this.#isWatchedRunning || this.#left !== undefined) return
    const before = this.#watch
    this.#watchFor(true).then(
      async (watch) => {
        this.#watch = watch
        await before?.[Symbol.asyncDispose]()
        if (this.#left !== undefined) await watch?.[Symbol.asyncDispose]()
      },
      (error: unknown) => this.log.warn({ err: error }, 'what is to be said when we are gone could not be renewed'),
    )
  }

  /** See `keepStepping`. */
  #prepareSteps(): void {
    const { multiclient, backend } = this.program.facts
    if (!multiclient || backend === 'core') return
    this.program.atFirstStop(async () => {
      this.program.halts.saidElsewhere()
      await keepStepping(await this.#own.connected.dial())
    })
  }

  /** Without what is not known; no Go version is told of a program without debug information. */
  #tellProgram({ pid, targetGoVersion }: Told): void {
    if (this.#left !== undefined) return
    // That process is over: its number may be another's.
    if (!this.isRecord) this.#pid = pid
    const isLocalProcess = !this.isRecord && isHere(this.context.transport, this.options.address)
    const what = this.program.facts.backend === 'core' ? 'core of process' : 'process'
    this.context.emit('process', {
      name: pid === undefined ? 'go' : `go (${what} ${pid})`,
      startMethod: 'attach',
      isLocalProcess,
      ...(pid !== undefined && isLocalProcess ? { systemProcessId: pid } : {}),
    })
    if (targetGoVersion === '') this.note(noDebugInformation)
    const { goVersions, version } = this.program.facts
    if (targetGoVersion === undefined || goVersions === undefined || !isOutside(targetGoVersion, goVersions)) return
    const known = `Delve ${version} knows Go ${goVersions.min} to ${goVersions.max}`
    this.note(`${known}, and the program is built by ${targetGoVersion}: values may be wrong or missing.`)
  }

  #warn(): void {
    const { multiclient, attached } = this.program.facts
    if (multiclient) return
    if (this.isRecord) return this.note('This Delve serves one client, and ends with this session.')
    const end = attached
      ? 'Delve ends with this session, and the program runs on'
      : 'Delve ends with this session and takes the program with it, which it has started itself'
    this.note(`This Delve serves one client: ${end}. Start it with --accept-multiclient to attach again later.`)
  }

  async #configurationDone(): Promise<undefined> {
    if (this.#isConfigured) return undefined
    this.#isConfigured = true
    this.#stops.open()
    return undefined
  }

  #leave(): Promise<undefined> {
    this.#left ??= this.#end()
    return this.#left
  }

  async #end(): Promise<undefined> {
    const { stop } = this.program
    this.#pulse.end()
    this.#stops.close()
    const isClear = await leave({
      program: this.program,
      links: this.#own.connected.links,
      clear: (ask) => this.#breakpoints.clear(ask),
      leaveHeld: stop !== undefined && (this.isRecord || this.#stops.isEarly(stop)),
      log: this.log,
    })
    // What we could not do ourselves is said by those at the far end.
    if (isClear && !this.#isLost) await this.#watch?.[Symbol.asyncDispose]()
    else await this.#watch?.say()
    this.#own.release()
    this.#closed.resolve(undefined)
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leave()
  }
}

const noDebugInformation =
  "The program has no debug information: it has no variables and no list of its goroutines, and breakpoints can be at its functions only. Build it without -ldflags '-s -w', and do not strip it."

/** Only the first two numbers count: `go1.26.8` between `1.25.0` and `1.27.0`. */
function isOutside(version: string, { min, max }: { readonly min: string; readonly max: string }): boolean {
  const numberOf = (text: string): number | undefined => {
    const [, major, minor] = /(\d+)\.(\d+)/.exec(text) ?? []
    return major === undefined || minor === undefined ? undefined : Number(major) * 1_000 + Number(minor)
  }
  const [is, from, to] = [numberOf(version), numberOf(min), numberOf(max)]
  return is !== undefined && from !== undefined && to !== undefined && (is < from || is > to)
}

export const delveKind: BackendKind = {
  name: 'delve',
  attach,
  usualCommands,
  usualFeatures: featuresOf(),
  needsWatch: true,
}
