// A DAP client in a few lines, for try.sh: opens one door, sends requests, and prints a line for each thing that comes.
//
//   node ask.mjs DOOR [--hold] REQUEST...
//   DOOR     unix:PATH, tcp:PORT (of 127.0.0.1), or 'run:COMMAND' whose stdin and stdout it is
//   REQUEST  a command, or command={"json":"arguments"}
//   --hold   stays until the other side closes
//
// Exit code 0 when each request was answered, whatever the answer.
import { spawn } from 'node:child_process'
import { connect } from 'node:net'

const withinMs = 60_000

const [door, ...rest] = process.argv.slice(2)
const hold = rest[0] === '--hold'
const requests = hold ? rest.slice(1) : rest

const { input, output } = openDoor(door)
const timer = setTimeout(() => leave(1, `no answer within ${withinMs / 1000} s`), withinMs)
const waiting = new Map()
let initialized = () => {}
let buffer = Buffer.alloc(0)

input.on('data', (chunk) => {
  buffer = Buffer.concat([buffer, chunk])
  for (;;) {
    const head = buffer.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/Content-Length: (\d+)/i.exec(buffer.toString('latin1', 0, head))?.[1])
    if (buffer.length < head + 4 + length) return
    const message = JSON.parse(buffer.toString('utf8', head + 4, head + 4 + length))
    buffer = buffer.subarray(head + 4 + length)
    received(message)
  }
})
input.on('close', () => leave(waiting.size > 0 || !hold ? 1 : 0, 'closed'))
input.on('error', (error) => leave(1, `error ${error.message}`))

let seq = 0
for (const request of requests) {
  const [, command, json] = /^(\w+)(?:=(.*))?$/s.exec(request)
  const body = JSON.stringify({ seq: ++seq, type: 'request', command, arguments: json ? JSON.parse(json) : {} })
  const answered = new Promise((resolve) => waiting.set(seq, resolve))
  output.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  // `attach` is answered when the configuration is done; a client goes on at `initialized`.
  await Promise.race(command === 'attach' ? [answered, new Promise((resolve) => (initialized = resolve))] : [answered])
}
while (waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, 20))
clearTimeout(timer)
if (!hold) leave(0, 'done')

function received(message) {
  if (message.type === 'event') {
    console.log(`event ${message.event}`)
    if (message.event === 'initialized') initialized()
  } else if (message.type === 'response') {
    console.log(`response ${message.command} ${message.success ? 'ok' : `refused: ${message.message}`}`)
    const resolve = waiting.get(message.request_seq)
    waiting.delete(message.request_seq)
    resolve?.()
  }
}

function openDoor(text) {
  const [, kind, where] = /^(\w+):(.*)$/s.exec(text)
  if (kind === 'run') {
    const child = spawn('sh', ['-c', `exec ${where}`], { stdio: ['pipe', 'pipe', 'inherit'] })
    return { input: child.stdout, output: child.stdin }
  }
  const socket = kind === 'unix' ? connect(where) : connect(Number(where), '127.0.0.1')
  return { input: socket, output: socket }
}

function leave(code, why) {
  console.log(why)
  process.exit(code)
}
