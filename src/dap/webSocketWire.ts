import type { WebSocket } from 'ws'
import { deferred } from '../lib/deferred.ts'
import { DapError, dapError } from './errors.ts'
import { parseMessage, type Wire } from './framing.ts'

/** DAP over WebSocket: one JSON message in each text frame, without headers. The size limit is the server's `maxPayload`. */
export function webSocketWire(socket: WebSocket, peer: string): Wire {
  const closed = deferred<Error | undefined>()
  let failure: Error | undefined
  let onDrained = (): void => {}
  const close = (code: number, reason: string): void => {
    // A close frame holds 123 bytes of reason (RFC 6455, 5.5).
    socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 120)
        .toString('utf8')
        .replace(/\uFFFD+$/, ''),
    )
  }
  socket.on('error', (error) => (failure ??= error))
  socket.on('close', () => closed.resolve(failure))
  return {
    peer,
    closed: closed.promise,
    start(onMessage, drained) {
      onDrained = drained
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        if (socket.readyState !== socket.OPEN) return
        try {
          if (isBinary) throw dapError('badMessage', { problem: 'a binary frame; DAP messages are text frames' })
          onMessage(parseMessage(data.toString('utf8')))
        } catch (error) {
          if (!(error instanceof DapError)) throw error
          failure ??= error
          close(1007, error.message)
        }
      })
    },
    send(message) {
      if (socket.readyState !== socket.OPEN) return
      socket.send(JSON.stringify(message), () => {
        if (socket.bufferedAmount === 0) onDrained()
      })
    },
    get bufferedBytes() {
      return socket.bufferedAmount
    },
    close(error) {
      failure ??= error
      close(error === undefined ? 1000 : 1011, error?.message ?? 'the session has ended')
    },
  }
}
