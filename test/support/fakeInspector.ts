import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

export interface Asked {
  readonly id: number
  readonly method: string
  readonly params: Record<string, unknown>
}

/** What the fake does with a request: an answer, text as it is, or nothing at all. */
export type Answer = { readonly result: object } | { readonly text: string } | undefined

/** An inspector that can do what a real one does only when it is ill: stall, die half way, answer late or with garbage. */
export class FakeInspector {
  readonly #http: Server
  readonly #sockets = new Set<Socket>()
  readonly #clients = new Set<WebSocket>()
  readonly asked: Asked[] = []
  /** Per method; without an entry the answer is an empty result. */
  readonly answers = new Map<string, (asked: Asked) => Answer>()
  /** Per path of HTTP; undefined is never answered. */
  readonly pages = new Map<string, string | undefined>()
  port = 0

  constructor() {
    this.#http = createServer((request, response) => {
      const page = this.pages.get(request.url ?? '')
      if (page !== undefined) response.end(page)
      else if (!this.pages.has(request.url ?? '')) response.writeHead(404).end()
    })
    this.#http.on('connection', (socket: Socket) => this.#sockets.add(socket))
    const server = new WebSocketServer({ server: this.#http })
    server.on('connection', (client) => {
      this.#clients.add(client)
      client.on('message', (data: Buffer) => {
        // An empty one is no request: frames.ts sends it so that the answers do not wait (Node's takes no notice of it).
        if (data.length > 0) this.#request(client, JSON.parse(data.toString()) as Asked)
      })
    })
  }

  #request(client: WebSocket, asked: Asked): void {
    this.asked.push(asked)
    const answer = this.answers.get(asked.method)
    const given = answer === undefined ? { result: {} } : answer(asked)
    if (given === undefined) return
    client.send('text' in given ? given.text : JSON.stringify({ id: asked.id, ...given }))
  }

  async listen(): Promise<this> {
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    this.port = (this.#http.address() as AddressInfo).port
    this.pages.set('/json/version', JSON.stringify({ Browser: 'node.js/v20.0.0', 'Protocol-Version': '1.1' }))
    const webSocketDebuggerUrl = `ws://127.0.0.1:${this.port}/0f2c936f`
    const target = { id: '0f2c936f', title: 'fake[1]', type: 'node', url: 'file://', webSocketDebuggerUrl }
    this.pages.set('/json/list', JSON.stringify([target]))
    return this
  }

  /** To all who are connected. */
  send(message: object | string): void {
    for (const client of this.#clients) client.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  event(method: string, params: object): void {
    this.send({ method, params })
  }

  /** As a process does that is killed. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async end(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#http.close(resolve))
  }
}
