import { once } from 'node:events'
import net from 'node:net'
import type { Socket } from 'node:net'
import type { Arguments, Body } from '../../src/dap/call.ts'
import { Connection, type IncomingRequest } from '../../src/dap/connection.ts'
import { streamWire } from '../../src/dap/framing.ts'
import type { Command, Events } from '../../src/dap/protocol.ts'
import { keptLog } from './wires.ts'

export interface SeenEvent {
  readonly event: string
  readonly body: Record<string, unknown>
}

type EventName = keyof Events

/** What an editor does, for tests: our own connection in the client's role, every event kept. */
export class Client {
  readonly socket: Socket
  readonly connection: Connection
  readonly events: SeenEvent[] = []
  readonly reverse: IncomingRequest[] = []
  /** Answers the adapter's own requests. */
  onReverse: (request: IncomingRequest) => Promise<unknown> = () => Promise.resolve()
  readonly #waiting = new Set<() => void>()

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    const incoming = {
      request: (request: IncomingRequest) => {
        this.reverse.push(request)
        this.#wake()
        return this.onReverse(request)
      },
      event: (event: string, body: unknown) => {
        this.events.push({ event, body: (body ?? {}) as Record<string, unknown> })
        this.#wake()
      },
    }
    this.connection = new Connection(streamWire(socket, 'daemon'), incoming, { log: keptLog() })
    void this.connection.closed.then(() => this.#wake())
  }

  static async connect(where: number | string): Promise<Client> {
    const socket = typeof where === 'number' ? net.connect(where, '127.0.0.1') : net.connect(where)
    await once(socket, 'connect')
    return new Client(socket)
  }

  request<C extends Command>(command: C, args: Arguments<C>): Promise<Body<C>> {
    return this.connection.request(command, args as never) as Promise<Body<C>>
  }

  async initialize(more: object = {}): Promise<Body<'initialize'>> {
    return this.request('initialize', { adapterID: 'test', clientID: 'test', linesStartAt1: true, ...more })
  }

  /** `initialize`, `attach`, and whatever `configure` sends between `initialized` and `configurationDone`. */
  async attach(
    args: object,
    configure: (client: Client) => Promise<unknown> = () => Promise.resolve(),
    more: object = {},
  ) {
    await this.initialize(more)
    const attached = this.request('attach', args as Arguments<'attach'>)
    attached.catch(() => {})
    const failed = new Promise<never>((_, reject) => void attached.catch(reject))
    await Promise.race([this.event('initialized'), failed])
    await configure(this)
    await this.request('configurationDone', {})
    await attached
  }

  async break(path: string, ...lines: (number | object)[]): Promise<Body<'setBreakpoints'>> {
    const breakpoints = lines.map((line) => (typeof line === 'number' ? { line } : (line as { line: number })))
    return this.request('setBreakpoints', { source: { path }, breakpoints })
  }

  /** The next event of that name which has not been taken yet; earlier ones of other names are kept. */
  async event<E extends EventName>(
    name: E,
    fits: (body: NonNullable<Events[E]>) => boolean = () => true,
    limitMs = 45_000,
  ): Promise<NonNullable<Events[E]>> {
    let found: SeenEvent | undefined
    await this.until(`the event ${name}`, limitMs, () => {
      const at = this.events.findIndex((e) => e.event === name && fits(e.body as NonNullable<Events[E]>))
      if (at < 0) return false
      found = this.events[at]
      this.events.splice(at, 1)
      return true
    })
    return found!.body as NonNullable<Events[E]>
  }

  /** All output so far, in one text. */
  output(category?: string): string {
    return this.events
      .filter((e) => e.event === 'output' && (category === undefined || e.body['category'] === category))
      .map((e) => String(e.body['output']))
      .join('')
  }

  /** Waits for a condition that events, requests or the end can bring about. */
  async until(what: string, limitMs: number, condition: () => boolean): Promise<void> {
    const end = Date.now() + limitMs
    while (!condition()) {
      const leftMs = end - Date.now()
      if (leftMs <= 0) throw new Error(`${what} did not come; seen: ${JSON.stringify(this.events).slice(0, 2_000)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.min(leftMs, 500))
        this.#waiting.add(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  async disconnect(): Promise<void> {
    await this.request('disconnect', {})
    this.connection.close()
    await this.connection.closed
  }

  #wake(): void {
    for (const resume of this.#waiting) resume()
    this.#waiting.clear()
  }
}

/** The top frame of a stopped thread, its first scope, and what is in it. */
export async function look(client: Client, threadId: number) {
  const { stackFrames } = (await client.request('stackTrace', { threadId, startFrame: 0, levels: 20 }))!
  const frame = stackFrames[0]!
  const { scopes } = (await client.request('scopes', { frameId: frame.id }))!
  const { variables } = (await client.request('variables', { variablesReference: scopes[0]!.variablesReference }))!
  const locals = Object.fromEntries(variables.map((v) => [v.name, v.value]))
  return { stackFrames, frame, scopes, variables, locals }
}

/** What the client is told of an attach that comes to nothing: by its error, or later by the console. */
export async function refusal({ port }: { readonly port: number }, target: unknown): Promise<string> {
  const client = await Client.connect(port)
  await client.initialize()
  const why = await client.request('attach', { target } as Arguments<'attach'>).then(
    async () => {
      await client.event('terminated')
      return client.output()
    },
    (error: unknown) => (error as Error).message,
  )
  client.connection.close()
  return why
}
