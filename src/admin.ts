import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sessions } from './session/sessions.ts'

/** `breakwater sessions` speaks to the running daemon over its unix socket, which only the daemon's user can open. */
export function answerAdmin(request: IncomingMessage, response: ServerResponse, sessions: Sessions): void {
  const { method, url = '/' } = request
  if (method === 'GET' && url === '/sessions') return json(response, 200, { sessions: sessions.facts() })
  const id = /^\/sessions\/([0-9a-f]{1,32})$/.exec(url)?.[1]
  if (method === 'DELETE' && id !== undefined) {
    if (sessions.endSession(id, 'it was ended by the operator (breakwater sessions end)')) {
      response.writeHead(204).end()
      return
    }
    return json(response, 404, { error: `There is no session ${id}.` })
  }
  json(response, 404, { error: 'There is nothing here: GET /sessions, DELETE /sessions/ID.' })
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
}
