import t from 'tap'
import { Client } from './support/client.ts'
import { debugpyVersions, startPython, type Debuggee, type DebugpyVersion } from './support/debugpy.ts'
import { startRealDaemon } from './support/realDaemon.ts'
import { Transcript } from './support/transcript.ts'

/** Calls itself over and over; every value is the same each time, so that transcripts are. */
const program = `
import time
class Item:
    def __init__(self, name, price):
        self.name = name
        self.price = price
def total(items):
    result = 0
    for item in items:
        result += item.price  # LOOP
    return result
def risky(key):
    try:
        return {'a': 1}[key]  # RAISE
    except KeyError as error:
        return error
def order():
    items = [Item('tea', 3), Item('milk', 2)]
    password = 'hunter2hunter2'
    prices = {'tea': 3, 'milk': 2}
    amount = total(items)  # BREAK
    risky('b')
    return amount  # AFTER
ticks = 0
while True:
    order()
    ticks += 1
    print('tick', ticks, flush=True)
    time.sleep(0.05)
`

interface Story {
  readonly name: string
  readonly mode: 'inspect' | 'control'
  tell(transcript: Transcript, debuggee: Debuggee, client: Client): Promise<void>
}

const stop = async (transcript: Transcript): Promise<{ threadId: number; frameId: number; reference: number }> => {
  const { threadId } = (await transcript.event('stopped')) as { threadId: number }
  const stack = await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 2 })
  const frameId = stack!.stackFrames[0]!.id
  const scopes = await transcript.ask('scopes', { frameId })
  return { threadId, frameId, reference: scopes!.scopes[0]!.variablesReference }
}

const stories: Story[] = [
  {
    name: 'break-look-step',
    mode: 'control',
    async tell(transcript, debuggee) {
      const source = { path: debuggee.file }
      await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: debuggee.line('BREAK') }] })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      const { variables } = (await transcript.ask('variables', { variablesReference: at.reference }))!
      const items = variables.find((v) => v.name === 'items')!
      await transcript.ask('variables', {
        variablesReference: items.variablesReference,
        filter: 'indexed',
        start: 0,
        count: 2,
      })
      await transcript.ask('evaluate', { expression: 'items[0].price + 1', frameId: at.frameId, context: 'watch' })
      await transcript.ask('setVariable', { variablesReference: at.reference, name: 'password', value: '"open"' })
      await transcript.ask('evaluate', { expression: 'password', frameId: at.frameId, context: 'hover' })
      await transcript.ask('setBreakpoints', { source, breakpoints: [] })
      await transcript.ask('stepIn', { threadId: at.threadId })
      const inside = await stop(transcript)
      await transcript.ask('stepOut', { threadId: inside.threadId })
      const back = await stop(transcript)
      await transcript.ask('scopes', { frameId: inside.frameId })
      await transcript.ask('continue', { threadId: back.threadId })
    },
  },
  {
    name: 'read-only',
    mode: 'inspect',
    async tell(transcript, debuggee) {
      const line = debuggee.line('BREAK')
      const source = { path: debuggee.file }
      await transcript.ask('setBreakpoints', {
        source,
        breakpoints: [{ line }, { line: line + 1, condition: 'exit()' }, { line: line + 2, hitCondition: 'f()' }],
      })
      await transcript.ask('setExceptionBreakpoints', { filters: [] })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      await transcript.ask('variables', { variablesReference: at.reference })
      for (const expression of [
        'prices["tea"] * 2 > items[1].price',
        'len(items)',
        'items[0]',
        'password',
        'password[0]',
        'total(items)',
        'items.clear()',
        '(n := 1)',
        'missing',
      ]) {
        await transcript.ask('evaluate', { expression, frameId: at.frameId, context: 'repl' })
      }
      await transcript.ask('setVariable', { variablesReference: at.reference, name: 'prices', value: '{}' })
      await transcript.ask('goto', { threadId: at.threadId, targetId: 1 })
      await transcript.ask('setBreakpoints', { source, breakpoints: [] })
      await transcript.ask('next', { threadId: at.threadId })
      await stop(transcript)
    },
  },
  {
    name: 'conditions-and-log-points',
    mode: 'inspect',
    async tell(transcript, debuggee, client) {
      await transcript.ask('setBreakpoints', {
        source: { path: debuggee.file },
        breakpoints: [
          { line: debuggee.line('LOOP'), condition: "item.price == 2 and item.name != 'tea'" },
          { line: debuggee.line('AFTER'), logMessage: 'the secret is {password}' },
        ],
      })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      await transcript.ask('evaluate', { expression: 'item.name', frameId: at.frameId, context: 'watch' })
      await transcript.ask('setBreakpoints', {
        source: { path: debuggee.file },
        breakpoints: [
          { line: debuggee.line('AFTER'), logMessage: 'amount is {amount}, first {items[0].name}, all {items}' },
        ],
      })
      await transcript.ask('continue', { threadId: at.threadId })
      await client.until('the log line', 10_000, () => client.output().includes('amount is'))
      transcript.note(/amount is.*/.exec(client.output())![0])
    },
  },
  {
    name: 'exception',
    mode: 'inspect',
    async tell(transcript, debuggee) {
      // debugpy 1.6.6 sees raised exceptions only in functions that have a breakpoint, here one that never holds.
      const breakpoints = [{ line: debuggee.line('RAISE'), condition: 'False' }]
      await transcript.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
      await transcript.ask('setExceptionBreakpoints', { filters: ['raised'] })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      const info = await transcript.ask('exceptionInfo', { threadId: at.threadId })
      if (info === undefined) throw new Error('no exceptionInfo')
      await transcript.ask('setExceptionBreakpoints', { filters: [] })
      await transcript.ask('continue', { threadId: at.threadId })
    },
  },
]

async function tell(story: Story, version: DebugpyVersion, test: typeof t): Promise<void> {
  const debuggee = await startPython(version, program)
  test.teardown(() => debuggee.end())
  const yaml = `targets: { shop: { backend: debugpy, at: 127.0.0.1:${debuggee.port}, policy: ${story.mode} } }`
  const daemon = await startRealDaemon(test, { yaml })
  const client = await Client.connect(daemon.port)
  await client.initialize({ supportsVariablePaging: true, supportsVariableType: true })
  const folder = debuggee.file.slice(0, debuggee.file.lastIndexOf('/'))
  const transcript = new Transcript(client, [
    [new RegExp(folder, 'g'), '<folder>'],
    // debugpy 1.6.6 cuts the representation of what is in a list, address and all.
    [/0x[0-9a-f]{6,}|(?<=objec)[. 0-9a-fxt]+(?=>)/g, '<address>'],
  ])
  await transcript.ask('attach', { target: 'shop' } as object)
  await transcript.event('capabilities')
  await transcript.event('initialized')
  await story.tell(transcript, debuggee, client).catch((error: unknown) => {
    test.comment(transcript.text)
    throw error
  })
  await transcript.ask('disconnect', {})
  transcript.check(test, `debugpy-${version.name}/${story.name}`)
  await debuggee.runsOn()
}

for (const version of debugpyVersions) {
  for (const story of stories) {
    void t.test(`${story.name} on debugpy ${version.name}`, async (test) => tell(story, version, test as typeof t))
  }
}
