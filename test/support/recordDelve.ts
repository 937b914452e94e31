import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { In, Method, Out } from '../../src/backend/delve/api.ts'
import { argumentsRead, goroutinesRead, localsRead, stackRead } from '../../src/backend/delve/reads.ts'
import { delveVersions, startGo, type DelveVersion, type RunningGo } from './delve.ts'

/** What one Delve has said to one story, and what it was asked: `A` and `C` are connections, `>` is to Delve. */
const folder = fileURLToPath(new URL('../../protocol-fixtures/wire/', import.meta.url))

/** One connection whose lines are kept as they are. */
class Recorded {
  readonly #socket: net.Socket
  readonly #name: string
  readonly #lines: string[]
  readonly #waiting = new Map<number, (answer: { result: never; error: string | null }) => void>()
  #rest = ''
  #lastId = 0

  constructor(name: string, port: number, lines: string[]) {
    this.#name = name
    this.#lines = lines
    this.#socket = net.connect(port, '127.0.0.1')
    this.#socket.setEncoding('utf8').on('data', (text: string) => this.#take(text))
  }

  #take(text: string): void {
    const whole = (this.#rest + text).split('\n')
    this.#rest = whole.pop()!
    for (const line of whole) {
      this.#lines.push(`${this.#name} < ${line}`)
      const answer = JSON.parse(line) as { id: number; result: never; error: string | null }
      this.#waiting.get(answer.id)?.(answer)
    }
  }

  /** Undefined where Delve refuses. */
  async ask<M extends Method>(method: M, argument: In<M>): Promise<Out<M> | undefined> {
    const id = ++this.#lastId
    const line = JSON.stringify({ method: `RPCServer.${method}`, params: [argument], id })
    this.#lines.push(`${this.#name} > ${line}`)
    this.#socket.write(`${line}\n`)
    const { result, error } = await new Promise<{ result: Out<M>; error: string | null }>((resolve) => {
      this.#waiting.set(id, resolve)
    })
    return error === null ? result : undefined
  }

  async close(): Promise<void> {
    this.#socket.end()
    await once(this.#socket, 'close')
  }
}

/** Attach to a running program, break, look, step, a condition that fails, a refusal, and away. */
async function story(a: Recorded, c: Recorded, debuggee: RunningGo): Promise<void> {
  await a.ask('SetApiVersion', { APIVersion: 2 })
  await a.ask('GetVersion', {})
  await a.ask('IsMulticlient', {})
  await a.ask('AttachedToExistingProcess', {})
  await c.ask('State', { NonBlocking: true })
  await c.ask('Command', { name: 'halt' })
  const at = { file: debuggee.file, line: debuggee.line('BREAK') }
  await a.ask('CreateBreakpoint', { Breakpoint: { name: 'bwrecn1', ...at } })
  await a.ask('CreateBreakpoint', { Breakpoint: { name: 'bwrecn2', file: at.file, line: 1 } })
  await a.ask('CreateBreakpoint', { Breakpoint: { name: 'bwrecn3', file: at.file, line: at.line + 1, Cond: 'a +' } })
  await a.ask('ClearBreakpoint', { Id: 0, Name: 'bwrecn3' })
  const look = (): Promise<unknown>[] => [
    a.ask(...stackRead(-1)),
    a.ask(...argumentsRead(-1, 0)),
    a.ask(...localsRead(-1, 0)),
  ]
  await Promise.all([a.ask('Command', { name: 'continue' }), ...look()])
  await a.ask(...goroutinesRead(0, 200))
  const config = {
    FollowPointers: true,
    MaxVariableRecurse: 1,
    MaxStringLen: 64,
    MaxArrayValues: 8,
    MaxStructFields: -1,
  }
  const Scope = { GoroutineID: -1, Frame: 0 }
  for (const Expr of ['items[0].price + 1', 'missing', 'total(items)', '_RAX', 'math.MaxUint64 - 1', 'errMissing']) {
    await a.ask('Eval', { Scope, Expr, Cfg: config })
  }
  await Promise.all([a.ask('Command', { name: 'step' }), ...look()])
  await Promise.all([a.ask('Command', { name: 'stepOut', ReturnInfoLoadConfig: config }), ...look()])
  await a.ask('ListBreakpoints', { All: true })
  await a.ask('ListTargets' as Method, {} as never)
  await a.ask('ClearBreakpoint', { Id: 0, Name: 'bwrecn1' })
  const resumed = a.ask('Command', { name: 'continue' })
  for (let runs = false; !runs;) runs = (await c.ask('State', { NonBlocking: true }))!.State.Running
  await c.ask('Command', { name: 'halt' })
  await resumed
  void a.ask('Command', { name: 'continue' })
  for (let runs = false; !runs;) runs = (await c.ask('State', { NonBlocking: true }))!.State.Running
}

async function record(version: DelveVersion): Promise<void> {
  const debuggee = await startGo(version, 'shop')
  const lines: string[] = []
  try {
    const [a, c] = ['A', 'C'].map((name) => new Recorded(name, debuggee.port, lines))
    await story(a!, c!, debuggee)
    await debuggee.runsOn()
    await c!.close()
    await a!.close()
  } finally {
    await debuggee.end()
  }
  mkdirSync(folder, { recursive: true })
  const here = path.dirname(path.dirname(debuggee.file))
  const text = lines.join('\n').replaceAll(path.join(here, '../../../.tools'), '/tools').replaceAll(here, '/programs')
  writeFileSync(`${folder}delve-${version.name}.txt`, `${text}\n`)
}

// TS_NODE_TRANSPILE_ONLY=1 node --import=@tapjs/typescript/import test/support/recordDelve.ts: taken anew by hand only.
for (const version of delveVersions) await record(version)
