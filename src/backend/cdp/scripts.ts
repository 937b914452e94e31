import type { Debugger } from 'node:inspector'
import type { CdpEvents } from './wire.ts'
import type { CdpSession } from './connection.ts'
import type { Script, ScriptTable } from './parts.ts'

/** Of scripts without a name (`eval`, `new Function`), of which a program may make any number, the newest are kept. */
const namelessMax = 5_000
/** Of one file that is loaded again and again. */
const sameUrlMax = 100
/** Texts that are kept, in characters; what is older is asked for again. */
const textsMax = 32 * 1024 * 1024

/** The scripts of one thread, as V8 tells of them. It does not tell when it has forgotten one. */
export class Scripts implements ScriptTable {
  readonly #cdp: CdpSession
  readonly #byId = new Map<string, Script>()
  readonly #byUrl = new Map<string, Script[]>()
  readonly #nameless = new Set<Script>()
  readonly #texts = new Map<string, Promise<string>>()
  readonly #listeners = new Set<(script: Script) => void>()
  readonly #onRemoved: (script: Script) => void
  #textsLength = 0

  constructor(cdp: CdpSession, onRemoved: (script: Script) => void = () => {}) {
    this.#cdp = cdp
    this.#onRemoved = onRemoved
    cdp.on('Debugger.scriptParsed', (event) => this.#parsed(event))
  }

  get all(): Iterable<Script> {
    return this.#byId.values()
  }

  byId(id: string): Script | undefined {
    return this.#byId.get(id)
  }

  byUrl(url: string): readonly Script[] {
    return this.#byUrl.get(url) ?? []
  }

  onScript(listener: (script: Script) => void): () => void {
    this.#listeners.add(listener)
    for (const script of this.#byId.values()) listener(script)
    return () => this.#listeners.delete(listener)
  }

  textOf(script: Script, signal?: AbortSignal): Promise<string> {
    const known = this.#texts.get(script.id)
    if (known !== undefined) return known
    const asked = this.#cdp
      .request<Debugger.GetScriptSourceReturnType>('Debugger.getScriptSource', { scriptId: script.id }, signal)
      .then(({ scriptSource }) => scriptSource)
    this.#texts.set(script.id, asked)
    this.#textsLength += script.length
    asked.catch(() => this.#forgetText(script))
    this.#boundTexts(script)
    return asked
  }

  /** The context is gone, and all that was loaded in it. */
  contextDestroyed(contextId: number): void {
    for (const script of this.#byId.values()) if (script.contextId === contextId) this.#remove(script)
  }

  clear(): void {
    for (const script of this.#byId.values()) this.#remove(script)
  }

  #parsed(event: CdpEvents['Debugger.scriptParsed']): void {
    const { sourceMapURL } = event
    const script: Script = {
      id: event.scriptId,
      url: event.url,
      hash: event.hash,
      sourceMapUrl: sourceMapURL === undefined || sourceMapURL === '' ? undefined : sourceMapURL,
      debugId: event.buildId === undefined || event.buildId === '' ? undefined : event.buildId,
      startLine: event.startLine,
      startColumn: event.startColumn,
      endLine: event.endLine,
      endColumn: event.endColumn,
      contextId: event.executionContextId,
      length: event.length ?? 0,
      isModule: event.isModule === true,
      internal: event.url.startsWith('node:'),
    }
    const former = this.#byId.get(script.id)
    // Told once more, because the debugger was switched on again.
    if (former?.url === script.url && former.hash === script.hash && former.length === script.length) return
    // An id that comes again is another script.
    if (former !== undefined) this.#remove(former)
    this.#byId.set(script.id, script)
    if (script.url === '') this.#bound(this.#nameless.add(script), namelessMax)
    else {
      const same = this.#byUrl.get(script.url) ?? []
      same.unshift(script)
      this.#byUrl.set(script.url, same)
      if (same.length > sameUrlMax) this.#remove(same.at(-1)!)
    }
    for (const listener of this.#listeners) listener(script)
    // A map inside of it can be 20 MB, and whoever wants it has it now.
    if (script.sourceMapUrl?.startsWith('data:') === true) Object.assign(script, { sourceMapUrl: 'data:' })
  }

  #bound(scripts: Set<Script>, max: number): void {
    for (const script of scripts) {
      if (scripts.size <= max) return
      this.#remove(script)
    }
  }

  #boundTexts(newest: Script): void {
    for (const id of this.#texts.keys()) {
      if (this.#textsLength <= textsMax || id === newest.id) return
      const script = this.#byId.get(id)
      if (script !== undefined) this.#forgetText(script)
    }
  }

  #forgetText(script: Script): void {
    if (this.#texts.delete(script.id)) this.#textsLength -= script.length
  }

  #remove(script: Script): void {
    this.#forgetText(script)
    this.#byId.delete(script.id)
    this.#nameless.delete(script)
    const same = this.#byUrl.get(script.url)?.filter((other) => other !== script) ?? []
    if (same.length === 0) this.#byUrl.delete(script.url)
    else this.#byUrl.set(script.url, same)
    this.#onRemoved(script)
  }
}
