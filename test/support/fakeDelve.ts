import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'
import type { DebuggerState, Method } from '../../src/backend/delve/wire.ts'

export interface DelveAsked {
  /** 1 for the first that connected. */
  readonly connection: number
  readonly id: number
  readonly method: Method
  readonly argument: Readonly<Record<string, unknown>>
}

/** What the fake does with a request: an answer, text as it is, or nothing at all. */
export type DelveAnswer =
  { readonly result: object } | { readonly error: string } | { readonly text: string } | undefined

/** What is at the other end when it is no Delve: it takes the whole connection. */
export type Impostor = (socket: Socket) => void

interface Resumed {
  readonly asked: DelveAsked
  readonly reply: (answer: DelveAnswer) => void
}

const resumes = new Set(['continue', 'next', 'step', 'stepOut', 'stepInstruction', 'nextInstruction', 'call'])

/** A stop as Delve tells it; `more` is what is particular. */
export function stateOf(more: Partial<DebuggerState> = {}): DebuggerState {
  const thread = { id: 1, pc: 4711, file: '/app/main.go', line: 7, goroutineID: 1 }
  const { currentThread = thread } = more
  return {
    Pid: 4711,
    Running: false,
    Threads: [currentThread],
    NextInProgress: false,
    exited: false,
    exitStatus: 0,
    currentThread,
    ...more,
  }
}

/** A stop at a breakpoint of this name. */
export function atBreakpoint(name: string, more: Partial<DebuggerState> = {}): DebuggerState {
  const breakPoint = { id: 7, name, addr: 4711, file: '/app/main.go', line: 7, Cond: '', continue: false }
  const currentThread = {
    id: 1,
    pc: 4711,
    file: '/app/main.go',
    line: 7,
    goroutineID: 1,
    breakPoint: { ...breakPoint, totalHitCount: 1 },
  }
  return stateOf({ currentThread, stopReason: 'breakpoint', ...more })
}

/**
 * A Delve whose program does only what a test says, with the lock of a real one (notes/delve.md, 5): a connection's
 * requests are served in their order, a resume lets the next one be read, anything else waits for the lock while the
 * program runs, and everything behind it on its connection with it.
 */
export class FakeDelve {
  readonly #server: net.Server
  readonly #sockets = new Set<Socket>()
  /** Who waits for the lock, in order. */
  readonly #blocked: (() => void)[] = []
  #connections = 0
  #resumed: Resumed | 'elsewhere' | undefined
  #halting: ((state: DebuggerState) => DebuggerState) | undefined
  #exit: number | undefined
  #state = stateOf({ stopReason: 'launched' })
  #single = false
  port = 0
  readonly asked: DelveAsked[] = []
  /** Per method, before anything else is thought of. */
  readonly answers = new Map<string, (asked: DelveAsked) => DelveAnswer>()
  impostor: Impostor | undefined
  /** So many of the next halts come too early to be of use, and are answered all the same. */
  lostHalts = 0
  /** As long as a halt is on its way: what stops first is that, and the halt finds it stopped. */
  crossing: DebuggerState | undefined
  /** So many resumes end at once, by a halt that came too late for the resume before. */
  strayHalts = 0

  constructor() {
    this.#server = net.createServer((socket) => this.#serve(socket))
  }

  async listen(options: { readonly single?: boolean; readonly runs?: boolean } = {}): Promise<this> {
    this.#single = options.single ?? false
    if (options.runs === true) this.#resumed = 'elsewhere'
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as AddressInfo).port
    return this
  }

  get runs(): boolean {
    return this.#resumed !== undefined
  }

  /** The names of what was asked, from `from` on: of `Command` the command's. */
  words(connection?: number, from = 0): string[] {
    return this.asked
      .slice(from)
      .filter((asked) => connection === undefined || asked.connection === connection)
      .map(({ method, argument }) => (method === 'Command' ? String(argument['name']) : method))
  }

  /** Ends the resume: whoever waits for the lock has his turn, until somebody resumes again. */
  stop(state: DebuggerState): void {
    const resumed = this.#resumed
    if (resumed === undefined) throw new Error('the program of the fake does not run')
    this.#resumed = undefined
    this.#state = state
    if (resumed !== 'elsewhere') resumed.reply({ result: { State: state } })
    this.#unblock()
  }

  /** The resume fails, and the program has stopped. */
  fail(error: string, state: DebuggerState): void {
    const resumed = this.#resumed
    if (resumed === undefined || resumed === 'elsewhere') throw new Error('nobody waits for a resume')
    this.#resumed = undefined
    this.#state = state
    resumed.reply({ error })
    this.#unblock()
  }

  /** From now on halts are answered with what this makes of a stop by hand. */
  haltAs(make: ((state: DebuggerState) => DebuggerState) | undefined): void {
    this.#halting = make
  }

  exit(status: number): void {
    this.#exit = status
    this.stop(stateOf({ exited: true, exitStatus: status, Threads: [] }))
  }

  /** As a process does that is killed. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async end(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    if (this.impostor !== undefined) return this.impostor(socket)
    const connection = ++this.#connections
    const queue: DelveAsked[] = []
    let blocked = false
    const work = (): void => {
      while (!blocked && queue.length > 0) this.#do(queue.shift()!, socket, block)
    }
    const block = (then: () => void): void => {
      blocked = true
      this.#blocked.push(() => {
        blocked = false
        then()
        work()
      })
    }
    let text = ''
    socket.on('data', (data: Buffer) => {
      text += data.toString()
      // The DAP side: whoever comes to it is sent away.
      if (text.startsWith('C')) return socket.end()
      const lines = text.split('\n')
      text = lines.pop()!
      for (const line of lines.filter((one) => one.trim() !== '')) {
        const { method, params, id } = JSON.parse(line) as { method: string; params: [object]; id: number }
        const name = method.replace('RPCServer.', '') as Method
        queue.push({ connection, id, method: name, argument: params[0] as Record<string, unknown> })
      }
      work()
    })
  }

  #do(asked: DelveAsked, socket: Socket, block: (then: () => void) => void): void {
    const reply = (answer: DelveAnswer): void => {
      if (answer === undefined || socket.destroyed) return
      if ('text' in answer) return void socket.write(answer.text)
      const result = 'result' in answer ? answer.result : null
      const error = 'error' in answer ? answer.error : null
      socket.write(`${JSON.stringify({ id: asked.id, result, error })}\n`)
    }
    const { method, argument } = asked
    this.asked.push(asked)
    const given = this.answers.get(method)
    if (given !== undefined) return reply(given(asked))
    const atOnce = this.#atOnce(asked)
    if (atOnce !== undefined) return reply(atOnce)
    if (method === 'Command' && argument['name'] === 'halt') return this.#halt(reply)
    const whenFree = (): void => this.#whenFree(asked, reply)
    if (this.#resumed === undefined) whenFree()
    else block(whenFree)
  }

  #atOnce({ method, argument }: DelveAsked): DelveAnswer {
    switch (method) {
      case 'SetApiVersion':
        return { result: {} }
      case 'GetVersion':
        return { result: { DelveVersion: 'Version: 1.27.2\nBuild: fake', APIVersion: 2, Backend: 'default' } }
      case 'IsMulticlient':
        return { result: { IsMulticlient: !this.#single } }
      case 'AttachedToExistingProcess':
        return { result: { Answer: true } }
      case 'State':
        if (argument['NonBlocking'] !== true) return undefined
        return { result: { State: this.runs ? { ...stateOf(), Running: true, Threads: null } : this.#state } }
      default:
        return undefined
    }
  }

  /** The program stops, and only then the halt waits for the lock: others may have waited longer. */
  #halt(reply: (answer: DelveAnswer) => void): void {
    if (this.lostHalts > 0) {
      this.lostHalts--
      return reply({ result: { State: this.#state } })
    }
    const answer = (): void => reply(this.#exited() ?? { result: { State: this.#state } })
    if (this.#resumed === undefined) return answer()
    const manual = stateOf({ stopReason: 'manual' })
    const state = this.crossing ?? this.#halting?.(manual) ?? manual
    this.crossing = undefined
    this.#blocked.push(answer)
    if (state.exited) this.exit(state.exitStatus)
    else this.stop(state)
  }

  #whenFree(asked: DelveAsked, reply: (answer: DelveAnswer) => void): void {
    const { method, argument } = asked
    const name = String(argument['name'])
    if (method === 'Command' && resumes.has(name)) return this.#resume(asked, reply)
    reply(this.#exited() ?? { result: this.#resultOf(method, argument) })
  }

  #resume(asked: DelveAsked, reply: (answer: DelveAnswer) => void): void {
    // Of a program that is gone a resume tells in its state, and not as an error.
    if (this.#exit !== undefined) {
      const state = stateOf({ exited: true, exitStatus: this.#exit, Threads: [] })
      return reply({ result: { State: state } })
    }
    if (this.strayHalts > 0) {
      this.strayHalts--
      this.#state = stateOf({ stopReason: 'manual', NextInProgress: asked.argument['name'] !== 'continue' })
      return reply({ result: { State: this.#state } })
    }
    this.#resumed = { asked, reply }
  }

  #exited(): DelveAnswer {
    return this.#exit === undefined ? undefined : { error: `Process 4711 has exited with status ${this.#exit}` }
  }

  #resultOf(method: Method, argument: DelveAsked['argument']): object {
    switch (method) {
      case 'Command':
      case 'State':
        return { State: this.#state }
      case 'ProcessPid':
        return { Pid: 4711 }
      case 'ListGoroutines':
        return { Goroutines: [{ id: 1, status: 0, threadID: 1 }], Nextg: -1 }
      case 'Stacktrace':
        return {
          Locations: [{ pc: 4711, file: '/app/main.go', line: 7, function: { name: 'main.main', value: 4700 } }],
        }
      case 'CreateBreakpoint':
        return { Breakpoint: { id: 7, totalHitCount: 0, ...(argument['Breakpoint'] as object) } }
      case 'ListBreakpoints':
        return { Breakpoints: [] }
      default:
        return {}
    }
  }

  #unblock(): void {
    // Delve's lock is given to whoever has waited longest; one who resumes holds it again.
    while (this.#resumed === undefined) {
      const next = this.#blocked.shift()
      if (next === undefined) return
      next()
    }
  }
}
