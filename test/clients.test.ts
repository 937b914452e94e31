import { DebugClient } from '@vscode/debugadapter-testsupport'
import type { DebugProtocol } from '@vscode/debugprotocol'
import t from 'tap'
import { debugpyVersions, startPython, tickingProgram, until, type Debuggee } from './support/debugpy.ts'
import { delveVersions, startGo } from './support/delve.ts'
import { nodeVersions, startNode, tickingProgram as nodeTickingProgram } from './support/node.ts'
import { startRealDaemon } from './support/realDaemon.ts'

/**
 * Microsoft's own client for tests of debug adapters, as it is on npm: it shares no code with us, subscribes as late as
 * users of it do, and shows only `message` of an error. What it calls a launch is an attach here.
 */
class AttachingClient extends DebugClient {
  readonly outputs: DebugProtocol.OutputEvent['body'][] = []

  constructor() {
    super('', '', 'breakwater')
    this.on('output', ({ body }: DebugProtocol.OutputEvent) => this.outputs.push(body))
  }

  override launchRequest(args: DebugProtocol.LaunchRequestArguments): Promise<DebugProtocol.LaunchResponse> {
    return this.attachRequest(args)
  }

  said(category: string): string {
    const ours = this.outputs.filter((body) => body.category === category)
    return ours.map(({ output }) => output).join('')
  }
}

const goTickingProgram = `package main

import (
	"fmt"
	"time"
)

type Order struct {
	number int
	lines  []string
}

func text(n int) string {
	return fmt.Sprint(n)
}

func work(n int) int {
	order := Order{n, []string{"tea", "milk"}}
	doubled := n * 2
	fmt.Println("tick", n) // BREAK
	return doubled + len(order.lines) // AFTER
}

func main() {
	fmt.Println(text(0))
	for n := 1; ; n++ {
		work(n)
		time.Sleep(50 * time.Millisecond)
	}
}
`

/** What the same session is told with on another debugger, and what differs in the language of the program. */
interface Subject {
  readonly name: string
  readonly backend: 'debugpy' | 'node' | 'delve'
  start(): Promise<Debuggee>
  /** Runs the program's code, changes it, is no expression. */
  readonly refused: readonly string[]
  readonly condition: string
  readonly textOf: (name: string) => string
  /** A text as the debugger shows it. */
  readonly quoted: (text: string) => string
}

const pythons: readonly Subject[] = debugpyVersions.map((version) => ({
  name: `debugpy ${version.name}`,
  backend: 'debugpy',
  start: () => startPython(version, tickingProgram),
  refused: ['print(1)', 'order.number = 1', 'x{y}'],
  condition: 'print(n)',
  textOf: (name) => `str(${name})`,
  quoted: (text) => `'${text}'`,
}))

const nodes: readonly Subject[] = nodeVersions.map((version) => ({
  name: `Node ${version.name}`,
  backend: 'node',
  start: () => startNode(version, nodeTickingProgram),
  refused: ['work(1)', 'order.number = 1', 'x{y}'],
  condition: 'work(n)',
  textOf: (name) => `String(${name})`,
  quoted: (text) => `'${text}'`,
}))

const gos: readonly Subject[] = delveVersions.map((version) => ({
  name: `Delve ${version.name}`,
  backend: 'delve',
  start: () => startGo(version, goTickingProgram),
  refused: ['work(1)', 'order.number = 1', 'x{y}'],
  condition: 'work(n) == 1',
  textOf: (name) => `call text(${name})`,
  quoted: (text) => `"${text}"`,
}))

const [python] = pythons as [Subject, ...Subject[]]
const [node] = nodes as [Subject, ...Subject[]]
const [go] = gos as [Subject, ...Subject[]]

async function world(t: Parameters<typeof startRealDaemon>[0], subject: Subject = python) {
  const debuggee = await subject.start()
  t.teardown(() => debuggee.end())
  const targets = { orders: '{}', mine: '{ mode: control }', brief: '{ pauseMax: 500ms }', timed: '{ session: 3s }' }
  const yaml = [
    'policies:',
    ...Object.entries(targets).map(([name, policy]) => `  ${name}: ${policy}`),
    'targets:',
    ...Object.keys(targets).map(
      (name) => `  ${name}: { backend: ${subject.backend}, at: 127.0.0.1:${debuggee.port}, policy: ${name} }`,
    ),
  ].join('\n')
  const daemon = await startRealDaemon(t, { yaml })
  // It never settles what is open when its connection closes, so the daemon's end is what ends it.
  const connect = async (): Promise<AttachingClient> => {
    const client = new AttachingClient()
    await client.start(daemon.port)
    return client
  }
  return { debuggee, daemon, connect }
}

/** Attaches, is stopped at the breakpoint, and looks. */
async function hit(client: AttachingClient, target: string, debuggee: Debuggee) {
  const line = debuggee.line('BREAK')
  const [, , stack] = (await client.hitBreakpoint({ target }, { path: debuggee.file, line })) as [
    unknown,
    unknown,
    DebugProtocol.StackTraceResponse,
  ]
  const { scopes } = (await client.scopesRequest({ frameId: stack.body.stackFrames[0]!.id })).body
  const { variables } = (await client.variablesRequest({ variablesReference: scopes[0]!.variablesReference })).body
  const { threads } = (await client.threadsRequest()).body
  return {
    frameId: stack.body.stackFrames[0]!.id,
    locals: scopes[0]!.variablesReference,
    values: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
    threadId: threads[0]!.id,
  }
}

for (const subject of [...pythons, ...nodes, ...gos]) {
  void t.test(`Microsoft's DebugClient on ${subject.name}: a whole session that only looks`, async (t) => {
    const { debuggee, connect, daemon } = await world(t, subject)
    const client = await connect()
    const { frameId, locals, values, threadId } = await hit(client, 'orders', debuggee)
    const at = (name: string) => ({ path: debuggee.file, line: debuggee.line(name) })
    t.equal(Number(values['doubled']), 2 * Number(values['n']))
    const { body } = await client.evaluateRequest({ expression: 'order.lines[1]', frameId, context: 'hover' })
    t.equal(body.result, subject.quoted('milk'))
    for (const expression of subject.refused) {
      await t.rejects(client.evaluateRequest({ expression, frameId, context: 'repl' }), { message: /^Refused by/ })
    }
    const change = client.setVariableRequest({ variablesReference: locals, name: 'doubled', value: '7' })
    await t.rejects(change, { message: /^Refused by the rule 'changesProgram'/ })

    await Promise.all([client.nextRequest({ threadId }), client.assertStoppedLocation('step', at('AFTER'))])
    await Promise.all([client.continueRequest({ threadId }), client.assertStoppedLocation('breakpoint', at('BREAK'))])

    const set = async (more: Partial<DebugProtocol.SourceBreakpoint>) => {
      const breakpoints = [{ line: debuggee.line('BREAK'), ...more }]
      const answer = await client.setBreakpointsRequest({ source: { path: debuggee.file }, breakpoints })
      return answer.body.breakpoints[0]!
    }
    t.match(await set({ condition: subject.condition }), {
      verified: false,
      message: /^Refused by the rule 'expression'/,
    })
    t.match(client.said('stderr'), /(program\.(py|js)|main\.go):\d+: Refused by the rule 'expression'/)
    t.match(await set({ logMessage: 'number {order.number}' }), { verified: true })
    await client.continueRequest({ threadId })
    await until('the log point writes', () => /number \d+/.test(client.said('stdout') + client.said('console')))
    await client.setBreakpointsRequest({ source: { path: debuggee.file }, breakpoints: [] })
    await debuggee.runsOn()
    await Promise.all([client.pauseRequest({ threadId }), client.assertStoppedLocation('pause', {})])

    await client.disconnectRequest()
    await debuggee.runsOn()
    await until('the audit has its last line', () => daemon.audit.at(-1)?.kind === 'end')
    t.match(daemon.audit.at(-1), { why: 'the client has disconnected' })
  })
}

for (const subject of [python, node, go]) {
  void t.test(`in control values change, and the end lets the program run: ${subject.name}`, async (t) => {
    const { debuggee, connect } = await world(t, subject)
    const client = await connect()
    const { frameId, locals } = await hit(client, 'mine', debuggee)
    await client.setVariableRequest({ variablesReference: locals, name: 'doubled', value: '77' })
    const { body } = await client.evaluateRequest({ expression: subject.textOf('doubled'), frameId, context: 'repl' })
    t.equal(body.result, subject.quoted('77'))
    // What nvim-dap sends for `terminate()`, though nobody offered it.
    await client.disconnectRequest({ terminateDebuggee: true })
    await debuggee.runsOn()
  })
}

void t.test('the longest pause and the end of the time: the client is told, and the program runs on', async (t) => {
  const { debuggee, connect, daemon } = await world(t)
  const brief = await connect()
  const continued = brief.waitForEvent('continued')
  await hit(brief, 'brief', debuggee)
  await brief.setBreakpointsRequest({ source: { path: debuggee.file }, breakpoints: [] })
  t.match((await continued).body, { allThreadsContinued: true })
  await until('it is said', () => /held for 500 ms, the longest pause/.test(brief.said('stderr')))
  await debuggee.runsOn()
  await brief.disconnectRequest()

  const timed = await connect()
  const terminated = timed.waitForEvent('terminated')
  await hit(timed, 'timed', debuggee)
  await terminated
  t.match(timed.said('stderr'), /The session has ended: the session has lasted 3 s, the limit of target 'timed'/)
  await debuggee.runsOn()
  await timed.disconnectRequest()

  const drained = await connect()
  const told = drained.waitForEvent('terminated')
  await hit(drained, 'orders', debuggee)
  await Promise.all([daemon.server.drain(), told])
  t.match(drained.said('stderr'), /The session has ended: the daemon is shutting down/)
  await debuggee.runsOn()
})

void t.test('a wrong target and a launch: a sentence that says what to do', async (t) => {
  const { connect } = await world(t)
  const client = await connect()
  await client.initializeRequest()
  await t.rejects(client.attachRequest({ target: 'order' } as DebugProtocol.AttachRequestArguments), {
    message: /There is no target 'order'\. Did you mean 'orders'\?/,
  })
  const other = await connect()
  await other.initializeRequest()
  await t.rejects(other.customRequest('launch', { target: 'orders' }), { message: /"request": "attach"/ })
})
