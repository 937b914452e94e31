import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Runtime } from 'node:inspector'
import { present } from '../../lib/present.ts'
import { formatted } from './format.ts'
import type { ProgramSources } from './maps/programSources.ts'
import type { BackendContext } from '../backend.ts'
import type { Positions } from './positions.ts'
import { previewText } from './preview.ts'
import { mappedStack } from './stackText.ts'
import type { DebugThread } from './thread.ts'
import type { Shown, Values } from './values/values.ts'

/** A line of the program's console is as long as it made it. */
const textMax = 256 * 1024
const traceFramesMax = 50

type Body = DebugProtocol.OutputEvent['body']
type ConsoleCall = Runtime.ConsoleAPICalledEventDataType

export interface OutputParts {
  readonly context: BackendContext
  readonly sources: ProgramSources
  readonly positions: Positions
  readonly values: Values
}

/**
 * What the program says on its console while we are attached: the inspector tells of it, and its stdout stays as it is.
 * V8 repeats the last thousand messages to each new client (20, 24); those are of the past, and are not shown.
 */
export class Output {
  readonly #own: OutputParts
  /** The last call of each thread that was the program's own. */
  readonly #lastTypes = new WeakMap<DebugThread, string>()

  constructor(own: OutputParts) {
    this.#own = own
  }

  /** Hears a thread; `isLive` once what V8 repeats is over. */
  listen(thread: DebugThread, isLive: () => boolean): void {
    thread.cdp.on('Runtime.consoleAPICalled', (event) => {
      if (isLive()) this.#console(event, thread)
    })
    thread.cdp.on('Runtime.exceptionThrown', ({ exceptionDetails }) => {
      if (isLive()) this.#thrown(exceptionDetails, thread)
    })
  }

  #console(event: ConsoleCall, thread: DebugThread): void {
    const { type, args, stackTrace } = event
    if (this.#isSaidTwice(event, thread)) return
    if (type === 'endGroup') return this.#emit({ category: 'stdout', output: '', group: 'end' })
    if (type === 'clear') return this.#emit({ category: 'console', output: '\u001B[2J' })
    if (type === 'profile' || type === 'profileEnd') return
    const isBad = type === 'error' || type === 'warning' || type === 'assert' || type === 'trace'
    const shown: Shown[] = []
    const text = formatted(args, (arg) => {
      const value = this.#own.values.shown(arg, thread)
      shown.push(value)
      if (arg.subtype === 'error') return mappedStack(arg.description ?? value.value, thread, this.#own.sources)
      return arg.preview === undefined ? value.value : previewText(arg.preview)
    })
    const lines = [withPrefix(type, text)]
    if (type === 'trace' || type === 'assert') lines.push(...this.#trace(stackTrace, thread))
    const reference = shown.find(({ variablesReference }) => variablesReference > 0)?.variablesReference
    this.#emit({
      category: isBad ? 'stderr' : 'stdout',
      output: `${cut(lines.join('\n'))}\n`,
      ...present({ variablesReference: reference, group: groupOf(type) }),
      ...this.#where(stackTrace, thread),
    })
  }

  /**
   * Node does most of its console with its own `console.log` and `error`, so V8 tells of `table`, `group`, `trace` and
   * others twice: as they were called, and as Node prints them (20, 24). Node's tables and times are the better ones.
   */
  #isSaidTwice({ type, stackTrace }: ConsoleCall, thread: DebugThread): boolean {
    const top = stackTrace?.callFrames[0]
    const isNodes = thread.scripts.byId(top?.scriptId ?? '')?.url.startsWith('node:internal/console/') === true
    const printedByNode = (by: string | undefined): boolean => by === 'table' || by === 'timeEnd'
    if (isNodes) return !printedByNode(this.#lastTypes.get(thread))
    this.#lastTypes.set(thread, type)
    return printedByNode(type)
  }

  #thrown(details: Runtime.ExceptionDetails, thread: DebugThread): void {
    const { exception, stackTrace, text } = details
    const words =
      exception?.description ?? (exception === undefined ? '' : this.#own.values.shown(exception, thread).value)
    const whole = words === '' ? text : `${text.replace(/^Uncaught$|^Uncaught (?!\()/, 'Uncaught')} ${words}`
    const reference =
      exception?.objectId === undefined ? 0 : this.#own.values.shown(exception, thread).variablesReference
    this.#emit({
      category: 'stderr',
      output: `${cut(mappedStack(whole, thread, this.#own.sources))}\n`,
      ...(reference > 0 ? { variablesReference: reference } : {}),
      ...this.#where(stackTrace, thread),
    })
  }

  /** The first place that is no part of Node. */
  #where(trace: Runtime.StackTrace | undefined, thread: DebugThread): Pick<Body, 'source' | 'line' | 'column'> {
    for (const { scriptId, url, lineNumber, columnNumber } of trace?.callFrames ?? []) {
      // By its url a script that has come while the debugger was off: a former version, or unknown.
      const script = thread.scripts.byId(scriptId) ?? thread.scripts.byUrl(url)[0]
      if (script === undefined || script.internal) continue
      const place = this.#own.sources.place(script, lineNumber, columnNumber)
      return {
        source: place.source,
        line: this.#own.positions.toClientLine(place.line),
        column: this.#own.positions.toClientColumn(place.column),
      }
    }
    return {}
  }

  #trace(trace: Runtime.StackTrace | undefined, thread: DebugThread): string[] {
    return (trace?.callFrames ?? []).slice(0, traceFramesMax).map((frame) => {
      const { functionName, scriptId, url, lineNumber, columnNumber } = frame
      const script = thread.scripts.byId(scriptId)
      const place = script === undefined ? undefined : this.#own.sources.place(script, lineNumber, columnNumber)
      const path = script?.internal === true ? script.url : (place?.source.path ?? place?.source.name ?? url)
      const at = `${path}:${(place?.line ?? lineNumber) + 1}:${(place?.column ?? columnNumber) + 1}`
      return functionName === '' ? `    at ${at}` : `    at ${functionName} (${at})`
    })
  }

  #emit(body: Body): void {
    this.#own.context.emit('output', body)
  }
}

function groupOf(type: string): Body['group'] | undefined {
  if (type === 'startGroup') return 'start'
  return type === 'startGroupCollapsed' ? 'startCollapsed' : undefined
}

function withPrefix(type: string, text: string): string {
  if (type === 'trace') return text === 'console.trace' || text === '' ? 'Trace' : `Trace: ${text}`
  if (type === 'assert') {
    return text === 'console.assert' || text === '' ? 'Assertion failed' : `Assertion failed: ${text}`
  }
  return text
}

function cut(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax)}… (${text.length - textMax} characters more)`
}
