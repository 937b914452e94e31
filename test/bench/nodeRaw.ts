import { once } from 'node:events'
import { WebSocket } from 'ws'

/** The inspector without anything in between: what a figure can be at best. */
export interface RawInspector {
  request(method: string, params: object): Promise<Record<string, unknown>>
  close(): void
}

export async function attachRaw(port: number): Promise<RawInspector> {
  const listed = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string
  }[]
  const socket = new WebSocket(listed[0]!.webSocketDebuggerUrl, { perMessageDeflate: false })
  await once(socket, 'open')
  const pending = new Map<number, (result: Record<string, unknown>) => void>()
  socket.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString('utf8')) as { id?: number; result?: Record<string, unknown> }
    if (id === undefined) return
    pending.get(id)?.(result ?? {})
    pending.delete(id)
  })
  let ids = 0
  return {
    request(method, params) {
      const id = ++ids
      const answer = new Promise<Record<string, unknown>>((resolve) => pending.set(id, resolve))
      socket.send(JSON.stringify({ id, method, params }))
      return answer
    },
    close: () => socket.close(),
  }
}
