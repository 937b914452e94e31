import net from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import t from 'tap'
import { Inspector } from '../../src/backend/cdp/connection.ts'
import { typedBefore } from '../../src/backend/cdp/values/completions.ts'
import { pageOf, ranges } from '../../src/backend/cdp/values/pages.ts'
import { silentLog } from '../support/cdpSession.ts'

void t.test('bytes that are sent early belong to the next message, whatever comes between', async (t) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const got: string[] = []
  const closes: number[] = []
  server.on('connection', (socket) => {
    socket.on('message', (data) => {
      const text = (data as Buffer).toString()
      got.push(text)
      if (text === '') return
      const { id, params } = JSON.parse(text) as { id: number; params: { events: number } }
      // Each piece that comes in has a byte of the next head sent: none, some, and more than there are.
      for (let n = 0; n < params.events; n++) socket.send(JSON.stringify({ method: 'Debugger.resumed', params: {} }))
      socket.send(JSON.stringify({ id, result: { length: text.length } }))
    })
    socket.on('close', (code) => closes.push(code))
  })
  const stream = net.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const inspector = new Inspector(stream, '/', 'here', silentLog)
  await inspector.opened(new AbortController().signal)
  for (const [events, size] of [
    [0, 1],
    [1, 125],
    [9, 126],
    [2, 70_000],
    [5, 300],
  ] as const) {
    const params = { events, text: 'é'.repeat(size) }
    const answer = await inspector.main.request<{ length: number }>('Test.echo', params)
    t.equal(answer.length, got.at(-1)!.length)
    t.same((JSON.parse(got.at(-1)!) as { params: unknown }).params, params)
  }
  await inspector.close()
  t.equal(await inspector.closed, undefined)
  server.close()
  t.ok(got.length <= 6, 'what was begun for nothing is an empty text at most')
})

void t.test('what stands before the cursor', (t) => {
  for (const [text, owner, prefix, quote] of [
    ['ab', undefined, 'ab', undefined],
    ['x + a.b.na', 'a.b', 'na', undefined],
    ['f(a?.b', 'a', 'b', undefined],
    ['list[0].', 'list[0]', '', undefined],
    ['get(a, b).x', 'get(a, b)', 'x', undefined],
    ['o["ke', 'o', 'ke', '"'],
    ['1.', undefined, '', undefined],
    ['', undefined, '', undefined],
  ] as const) {
    t.same(typedBefore(text), { owner, prefix, quote }, text)
  }
  t.end()
})

void t.test('pages', (t) => {
  t.match(pageOf({ filter: 'indexed', start: 5, count: 10 }, 100), { indexed: [5, 10], named: undefined, whole: false })
  t.match(pageOf({ filter: 'indexed', start: 95, count: 10 }, 100), { indexed: [95, 5], restFrom: undefined })
  t.match(pageOf({ filter: 'named' }, 100), { indexed: undefined, named: [0, 500], whole: true })
  t.match(pageOf({}, 1_000_000), { indexed: [0, 500], restFrom: 500, whole: true })
  t.match(pageOf({ start: 98, count: 5 }, 100), { indexed: [98, 2], named: [0, 3], whole: false })
  t.match(pageOf({ start: 103, count: 5 }, 100), { indexed: undefined, named: [3, 5], whole: false })
  const parts = ranges(500, 1_000_000)
  t.ok(parts.length <= 100)
  t.equal(
    parts.reduce((sum, { range }) => sum + range[1], 500),
    1_000_000,
  )
  t.end()
})
