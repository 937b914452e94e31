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

/** What only Go has: each goroutine is a thread, named after where it is and its labels. */
const goroutines: Story<RunningGo> = {
  name: 'goroutines',
  mode: 'inspect',
  async tell({ transcript, debuggee, client }) {
    const source = { path: debuggee.file }
    await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: debuggee.line('BREAK') }] })
    await transcript.ask('configurationDone', {})
    const at = await stop(transcript)
    // Ids are the scheduler's; where the racers and the worker with the job are now is, too.
    const { threads } = (await client.request('threads', undefined))!
    const waits = threads.filter(({ name }) => /^\*|time\.Sleep|main\.labelled/.test(name))
    for (const { name } of waits) transcript.note(name.replaceAll(/(Go|Thread) \d+/g, '$1 N'))
    const { id: threadId } = threads.find(({ name }) => name.includes('main.labelled'))!
    const stack = await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 20 })
    const frameId = stack!.stackFrames.find(({ name }) => name === 'main.labelled')!.id
    await transcript.ask('scopes', { frameId })
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
    const [first, ...others] = ['NUMBERS', 'STRUCTURES', 'INTERFACES', 'FUNCTIONS', 'SHADOWS', 'GENERIC'].map(
      (name) => ({
        line: debuggee.line(name),
      }),
    )
    // The program is anywhere in its round.
    await transcript.ask('setBreakpoints', { source, breakpoints: [first!] })
    await transcript.ask('configurationDone', {})
    let at = await stop(transcript)
    await transcript.ask('setBreakpoints', { source, breakpoints: others })
    for (const other of [...others, undefined]) {
      await transcript.ask('variables', { variablesReference: at.reference })
      if (other === undefined) await transcript.ask('setBreakpoints', { source, breakpoints: [] })
      await transcript.ask('continue', { threadId: at.threadId })
      if (other !== undefined) at = await stop(transcript)
    }
  },
}

/** What differs from Go 1.19 to 1.26, and with it between the Delves that know them. */
const ofVersion = new Set(['values', 'goroutines'])

function subjectOf(version: DelveVersion, program: GoProgram, story: Story<RunningGo>): Subject<RunningGo> {
  return {
    name: `Delve ${version.name}`,
    folder: version.name !== 'newest' && ofVersion.has(story.name) ? `delve-${version.name}` : 'delve',
    backend: 'delve',
    words,
    unstable: [
      [/0xc0[0-9a-f]{6,}|\b0x[0-9a-f]{5,}\b/g, '<address>'],
      // Go's own sources.
      [/"line": \d+, "name": "(runtime[./]|pprof\.)/g, '"line": 0, "name": "$1'],
      // Numbers that count the program's rounds.
      [/("name": "(?:\(value\)|a|b)", "type": "int", "value": )"\d+"/g, '$1"<n>"'],
    ],
    start: () => startGo(version, program),
    options: () => (program === 'goroutines' ? "{ showPprofLabels: ['*'] }" : '{}'),
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
    const subject = subjectOf(version, on, story)
    void t.test(`${story.name} on ${subject.name}`, async (test) => {
      const debuggee = await tell(test as Test, subject, story)
      test.notMatch(debuggee.lines.join('\n'), /a method was run/)
    })
  }
}
