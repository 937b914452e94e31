import type { Runtime } from 'node:inspector'
import type { Log } from '../../../lib/log.ts'
import type { ProgramSources } from '../maps/programSources.ts'
import type { Script, Stop, Thread } from '../parts.ts'

/**
 * Every module in CommonJS: V8's instrumentation stops before ES modules and scripts of `vm`, and not before functions
 * that are compiled with parameters, as `require` does it (Node 20 and 24). What comes from packages has no maps that
 * are looked for.
 */
const modules = '^file:\\/\\/\\/(?!.*\\/node_modules\\/).*\\.c?js$'
const modulesId = `2:0:0:${modules}`
/** For a condition that never ends. */
const conditionMs = 1_000
/** A program that goes on loading is let go: each pause costs it a round trip. */
const pausesMax = 100

interface Watched {
  instrumentationId: string | undefined
}

/**
 * Holds each script that has a map before its first line until the map is there, so that a breakpoint in what runs once
 * at the start of a module is not missed. Only in `control`, and only while a breakpoint waits for a source that no
 * loaded script has: the program is held for moments that the client does not see.
 */
export class MapPause {
  readonly #sources: ProgramSources
  readonly #log: Log
  readonly #hiddenName: () => Promise<string | undefined>
  readonly #mapMs: number
  readonly #watched = new Map<Thread, Watched>()
  #isWanted = false
  #pauses = 0

  /** @param mapMs For a map that takes longer, the script runs without. */
  constructor(sources: ProgramSources, log: Log, hiddenName: () => Promise<string | undefined>, mapMs: number) {
    this.#mapMs = mapMs
    this.#sources = sources
    this.#log = log
    this.#hiddenName = hiddenName
  }

  /** Begins or ends it, in the threads that are given. Never rejects. */
  async want(isWanted: boolean, threads: Iterable<Thread>): Promise<void> {
    this.#isWanted = isWanted && this.#pauses < pausesMax
    const affected = this.#isWanted ? [...threads] : [...this.#watched.keys()]
    const failed = (error: unknown): void => this.#log.debug({ err: error }, 'scripts are not held for their maps')
    await Promise.all(affected.map((thread) => this.#apply(thread).catch(failed)))
  }

  forget(thread: Thread): void {
    this.#watched.delete(thread)
  }

  async #apply(thread: Thread): Promise<void> {
    const { cdp } = thread
    const known = this.#watched.get(thread)
    if (!this.#isWanted) {
      if (known === undefined) return
      this.#watched.delete(thread)
      cdp.send('Debugger.removeBreakpoint', { breakpointId: modulesId })
      const { instrumentationId: breakpointId } = known
      if (breakpointId !== undefined) cdp.send('Debugger.removeBreakpoint', { breakpointId })
      return
    }
    if (known !== undefined) return
    const watched: Watched = { instrumentationId: undefined }
    this.#watched.set(thread, watched)
    const name = await this.#hiddenName()
    if (this.#watched.get(thread) !== watched) return
    const instrumentation = 'beforeScriptWithSourceMapExecution'
    const asked = cdp.request<{ breakpointId: string }>('Debugger.setInstrumentationBreakpoint', { instrumentation })
    if (name !== undefined) {
      // Once for each file, so that what is called often is not held each time.
      const condition = `typeof __filename==='string'&&${name}.f(__filename)`
      const params = { urlRegex: modules, lineNumber: 0, columnNumber: 0, condition }
      await cdp.request('Debugger.setBreakpointByUrl', params)
    }
    const { breakpointId } = await asked
    watched.instrumentationId = breakpointId
    if (this.#watched.get(thread) !== watched) cdp.send('Debugger.removeBreakpoint', { breakpointId })
  }

  /** The script that is held at its first line for its map; undefined if the pause is another. */
  scriptOf({ thread, event }: Stop): Script | undefined {
    const reason: string = event.reason
    const isModule = event.hitBreakpoints?.includes(modulesId) === true
    if (reason !== 'instrumentation' && !isModule) return undefined
    const location = event.callFrames[0]?.location
    return location === undefined ? undefined : thread.scripts.byId(location.scriptId)
  }

  /** Resolves when the script may run. Undefined where it may at once. */
  held(script: Script, threads: Iterable<Thread>): Promise<void> | undefined {
    this.#pauses += 1
    if (this.#pauses >= pausesMax) {
      this.#log.info({ pauses: this.#pauses }, 'scripts are not held for their maps any more: there are too many')
      void this.want(false, threads)
    }
    if (!this.#sources.isLoading(script)) return undefined
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#mapMs)
      void this.#sources.ready(script).then(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

/** V8 does not stop again where it stands: whether a breakpoint that was set there just now is hit. */
export async function holdsAt({ thread, event }: Stop, text: string | undefined): Promise<boolean> {
  if (text === undefined) return true
  const params = { callFrameId: event.callFrames[0]!.callFrameId, silent: true, timeout: conditionMs }
  const { result, exceptionDetails } = await thread.cdp.request<{
    readonly result: Runtime.RemoteObject
    readonly exceptionDetails?: unknown
  }>('Debugger.evaluateOnCallFrame', { ...params, expression: `!!(${text}\n)`, returnByValue: true })
  return exceptionDetails === undefined && result.value === true
}
