import { createServer as createHttpServer, type IncomingMessage, type Server as HttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server as NetServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { answerAdmin } from './admin.ts'
import type { Config } from './config/config.ts'
import { DapError } from './dap/errors.ts'
import { frameLimits, streamWire } from './dap/framing.ts'
import { webSocketWire } from './dap/webSocketWire.ts'
import { sleep } from './lib/abort.ts'
import type { Log } from './lib/log.ts'
import type { Door } from './session/host.ts'
import type { Sessions } from './session/sessions.ts'
import { listenUnix } from './unixSocket.ts'

/** A client says its first word within this time, or is none. */
const firstWordMs = 60_000

export interface Server {
  readonly addresses: { readonly tcp?: { host: string; port: number }; readonly unix?: string }
  /** Stops listening, ends all sessions cleanly (programs resumed, clients told), then closes. */
  drain(): Promise<void>
  /** Stops listening and cuts what is left. */
  end(): void
}

/**
 * One port, several doors: DAP over TCP, WebSocket on the same port under `/dap`, and a unix socket with DAP and the
 * daemon's own HTTP (`breakwater sessions`). The first byte tells them apart: DAP clients begin with `Content-Length`,
 * HTTP with a method.
 */
export async function startServer(config: Config, sessions: Sessions, log: Log): Promise<Server> {
  const sockets = new Set<Socket>()
  const servers: NetServer[] = []
  const addresses: { tcp?: { host: string; port: number }; unix?: string } = {}
  const open = (kind: 'tcp' | 'unix', port: () => number | undefined): NetServer => {
    const http = httpDoor(kind, sessions, port)
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      onSocket(socket, kind, http, sessions, port)
    })
    server.on('error', (error) => log.error({ err: error }, 'a listening socket failed'))
    servers.push(server)
    return server
  }
  const { tcp, unix } = config.listen
  let removeSocket: (() => void) | undefined
  if (tcp !== undefined) {
    const server = open('tcp', () => addresses.tcp?.port)
    await listening(server, () => server.listen(tcp.port, tcp.host))
    const { address, port } = server.address() as AddressInfo
    addresses.tcp = { host: address, port }
  }
  if (unix !== undefined) {
    removeSocket = await listenUnix(
      open('unix', () => undefined),
      unix,
    )
    addresses.unix = unix
  }
  const stop = (): void => {
    for (const server of servers) server.close()
    const remove = removeSocket
    removeSocket = undefined
    try {
      remove?.()
    } catch (error) {
      // A stale socket is replaced at the next start.
      log.warn({ err: error }, 'the unix socket could not be removed')
    }
  }
  const end = (): void => {
    stop()
    for (const socket of sockets) socket.destroy()
  }
  return {
    addresses,
    end,
    async drain() {
      stop()
      await sessions.drain('the daemon is shutting down')
      // The clients have been told; those that do not leave by themselves are hung up on.
      await Promise.race([allClosed(sockets), sleep(1_000)])
      end()
    },
  }
}

function listening(server: NetServer, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    listen()
  })
}

async function allClosed(sockets: ReadonlySet<Socket>): Promise<void> {
  await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
}

function onSocket(
  socket: Socket,
  kind: 'tcp' | 'unix',
  http: HttpServer,
  sessions: Sessions,
  port: () => number | undefined,
): void {
  // Without it each small answer waits some 40 ms for the peer's delayed ACK.
  socket.setNoDelay(true)
  const peer = kind === 'unix' ? 'unix' : `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`
  const silent = setTimeout(() => socket.destroy(), firstWordMs)
  socket.once('close', () => clearTimeout(silent))
  // A socket without a listener for its errors would end the daemon.
  socket.on('error', () => socket.destroy())
  socket.once('data', (first: Buffer) => {
    clearTimeout(silent)
    socket.pause()
    socket.unshift(first)
    if (/^[A-Z]{3,8} \//.test(first.toString('latin1', 0, 16))) {
      http.emit('connection', socket)
    } else {
      const listeningPort = port()
      const door: Door = { kind, peer, ...(listeningPort === undefined ? {} : { port: listeningPort }) }
      sessions.open(streamWire(socket, peer), door)
    }
    socket.resume()
  })
}

function httpDoor(kind: 'tcp' | 'unix', sessions: Sessions, port: () => number | undefined): HttpServer {
  const http = createHttpServer((request, response) => {
    if (kind === 'unix') return answerAdmin(request, response, sessions)
    const text = 'This is Breakwater: it speaks DAP here, and DAP over WebSocket under /dap.\n'
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'close' }).end(text)
  })
  http.headersTimeout = 10_000
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: frameLimits.bodyBytes })
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const door = webSocketDoor(request, kind, sessions, port())
    if ('refusal' in door) return refuse(socket, door.status, door.refusal)
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      sessions.open(webSocketWire(webSocket, door.peer), door)
    })
  })
  return http
}

type Refusal = { readonly status: string; readonly refusal: string }

/** The Origin is the browser's word for who wrote the page: without this check any web page could open a session. */
function webSocketDoor(
  request: IncomingMessage,
  kind: 'tcp' | 'unix',
  sessions: Sessions,
  port: number | undefined,
): Door | Refusal {
  const { origin, authorization } = request.headers
  if (request.url?.split('?')[0] !== '/dap') return { status: '404 Not Found', refusal: 'The path is /dap.' }
  if (origin !== undefined && !sessions.origins.includes(origin)) {
    const refusal = `The origin ${origin} is not allowed. Add it to listen.origins in the configuration.`
    return { status: '403 Forbidden', refusal }
  }
  const peer = kind === 'unix' ? 'unix' : `${request.socket.remoteAddress ?? '?'}:${request.socket.remotePort ?? 0}`
  const door: Door = { kind: kind === 'unix' ? 'unix' : 'websocket', peer, ...(port === undefined ? {} : { port }) }
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined) return door
  try {
    return { ...door, identity: sessions.authenticate(door, token) }
  } catch (error) {
    if (!(error instanceof DapError)) throw error
    return { status: '401 Unauthorized', refusal: 'The bearer token is wrong.' }
  }
}

function refuse(socket: Duplex, status: string, text: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
  )
}
