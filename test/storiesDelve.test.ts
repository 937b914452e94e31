import t, { type Test } from 'tap'
import { delveVersions, startGo, tellGo, type DelveVersion, type GoProgram, type RunningGo } from './support/delve.ts'
import { stop, stories, tell, type Story, type Subject } from './support/stories.ts'

const words = {
  ends: 'os.Exit(1) == nil',
  looks: [
    'prices["tea"] * 2 > items[1].price',
    'len(items)',
    'items[0]',
    'items[0].Label()',
    'password',
    'password[0]',
    'total(items)',
    'call total(items)',
    'append(items, items[0])',
    'amount = 1',
    'missing',
  ],
  milkOnly: 'item.price == 2 && item.name != "tea"',
  empty: 'nil',
  raised: 'unrecovered-panic',
}

/** A panic that nothing recovers: seen before the program dies of it, which it does when the client goes on. */
const panics: Story<RunningGo> = {
  name: 'exception',
  mode: 'inspect',
  ends: 'program',
  async tell({ transcript, debuggee }) {
    await transcript.ask('setExceptionBreakpoints', { filters: ['unrecovered-panic', 'runtime-fatal-throw'] })
    await transcript.ask('configurationDone', {})
    await tellGo(debuggee, 'error')
    const { threadId } = (await transcript.event('stopped')) as { threadId: number }
    const stack = await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 20 })
    const info = await transcript.ask('exceptionInfo', { threadId })
    if (info === undefined) throw new Error('no exceptionInfo')
    const frameId = stack!.stackFrames.find(({ name }) => name === 'main.fail')!.id
    await transcript.ask('evaluate', { expression: 'how', frameId, context: 'watch' })
    await transcript.ask('continue', { threadId })
    await transcript.event('exited')
    await transcript.event('terminated')
  },
}

/** What only Go has: who waits for what, under which label, and several that stop at once. */
const goroutines: Story<RunningGo> = {
  name: 'goroutines',
  mode: 'inspect',
  async tell({ transcript, debuggee, client }) {
    const source = { path: debuggee.file }
    await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: debuggee.line('BREAK') }] })
    await transcript.ask('configurationDone', {})
    const at = await stop(transcript)
    // Their ids and their order are the scheduler's.
    const { threads } = (await client.request('threads', undefined))!
    const names = threads.map(({ name }) => name.replaceAll(/\d+/g, 'N')).sort()
    for (const name of new Set(names)) transcript.note(`${names.filter((each) => each === name).length} × ${name}`)
    await transcript.ask('setBreakpoints', { source, breakpoints: [] })
    await transcript.ask('continue', { threadId: at.threadId })
  },
}

/** Values of every kind, to the depth that a client first shows. */
const values: Story<RunningGo> = {
  name: 'values',
  mode: 'inspect',
  async tell({ transcript, debuggee }) {
    const source = { path: debuggee.file }
    const lines = ['NUMBERS', 'STRUCTURES', 'INTERFACES', 'FUNCTIONS', 'SHADOWS', 'GENERIC'].map((name) => {
      return debuggee.line(name)
    })
    await transcript.ask('setBreakpoints', { source, breakpoints: lines.map((line) => ({ line })) })
    await transcript.ask('configurationDone', {})
    let at = await stop(transcript)
    for (const last of lines.map((line) => line === lines.at(-1))) {
      await transcript.ask('variables', { variablesReference: at.reference })
      if (last) await transcript.ask('setBreakpoints', { source, breakpoints: [] })
      await transcript.ask('continue', { threadId: at.threadId })
      if (!last) at = await stop(transcript)
    }
  },
}

function subjectOf(version: DelveVersion, program: GoProgram): Subject<RunningGo> {
  return {
    name: `Delve ${version.name}`,
    folder: version.name === 'newest' ? 'delve' : `delve-${version.name}`,
    backend: 'delve',
    words,
    unstable: [[/0xc0[0-9a-f]{6,}|\b0x[0-9a-f]{5,}\b/g, '<address>']],
    start: () => startGo(version, program),
  }
}

const told: readonly { readonly story: Story<RunningGo>; readonly on: GoProgram }[] = [
  ...stories.filter(({ name }) => name !== panics.name).map((story) => ({ story, on: 'shop' as const })),
  { story: panics, on: 'crash' },
  { story: goroutines, on: 'goroutines' },
  { story: values, on: 'zoo' },
]

// All of them, on a busy machine.
t.setTimeout(300_000)

for (const version of delveVersions) {
  for (const { story, on } of told) {
    const subject = subjectOf(version, on)
    void t.test(`${story.name} on ${subject.name}`, async (test) => {
      const debuggee = await tell(test as Test, subject, story)
      test.notMatch(debuggee.lines.join('\n'), /a method was run/)
    })
  }
}
