import net from 'node:net'
import type { AddressInfo } from 'node:net'
import { Connection, type IncomingRequest } from '../../src/dap/connection.ts'
import { streamWire } from '../../src/dap/framing.ts'
import { keptLog } from '../support/wires.ts'

/*
 * A process of its own: what debugpy's adapter says to a client that attaches and then does nothing. It stands in for
 * the hundreds of Python programs that the figures about many sessions would need.
 */

function serve(socket: net.Socket): void {
  socket.setNoDelay(true)
  let attached: (() => void) | undefined
  const answer = (request: IncomingRequest): Promise<unknown> => {
    switch (request.command) {
      case 'initialize':
        return Promise.resolve({ supportsConfigurationDoneRequest: true, supportsLogPoints: true })
      case 'attach':
        setImmediate(() => connection.emit('initialized', undefined))
        return new Promise<void>((resolve) => (attached = resolve))
      case 'configurationDone':
        setImmediate(() => attached?.())
        return Promise.resolve()
      case 'disconnect':
        setImmediate(() => connection.close())
        return Promise.resolve()
      case 'evaluate':
        return Promise.resolve({ result: 'None', variablesReference: 0 })
      case 'threads':
        return Promise.resolve({ threads: [{ id: 1, name: 'MainThread' }] })
      default:
        return Promise.resolve()
    }
  }
  const connection = new Connection(streamWire(socket, 'client'), { request: answer }, { log: keptLog() })
  const version = { packageVersion: '1.8.22' }
  connection.emit('output', { category: 'telemetry', output: 'ptvsd', data: version })
  connection.emit('output', { category: 'telemetry', output: 'debugpy', data: version })
  connection.emit('debugpySockets' as 'output', { sockets: [] } as never)
}

const server = net.createServer(serve).listen(0, '127.0.0.1', 4_096, () => {
  process.send!((server.address() as AddressInfo).port)
})
process.once('disconnect', () => process.exit(0))
