import t, { type Test } from 'tap'
import { until } from './support/debuggee.ts'
import { nodeVersions, startNode, type NodeVersion, type RunningNode } from './support/node.ts'
import { lates, shops, waiters, type NodeProgram } from './support/nodePrograms.ts'
import { stop, stories, tell, type Story, type Subject } from './support/stories.ts'

const words = {
  ends: 'process.exit()',
  looks: [
    'counts["tea"] * 2 > items[1].price',
    'items.length',
    'items[0]',
    'items[0].label',
    'password',
    'password[0]',
    'total(items)',
    'items.splice(0)',
    '(amount = 1)',
    'missing',
  ],
  milkOnly: "item.price === 2 && item.name !== 'tea'",
  empty: '{}',
  raised: 'all',
}

/** A breakpoint in a module that is loaded later. */
const lateScript: Story<RunningNode> = {
  name: 'late-script',
  mode: 'inspect',
  async tell({ transcript, debuggee }) {
    const { path, line } = debuggee.place('LATE')
    await transcript.ask('setBreakpoints', { source: { path }, breakpoints: [{ line }] })
    await transcript.ask('configurationDone', {})
    await debuggee.runsOn()
    await debuggee.touch('go')
    await transcript.event('breakpoint')
    const at = await stop(transcript)
    await transcript.ask('variables', { variablesReference: at.reference })
    await transcript.ask('setBreakpoints', { source: { path }, breakpoints: [] })
    await transcript.ask('continue', { threadId: at.threadId })
  },
}

/** Who waits for whom. */
const asyncStack: Story<RunningNode> = {
  name: 'async-stack',
  mode: 'inspect',
  async tell({ transcript, debuggee }) {
    const source = { path: debuggee.file }
    await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: debuggee.line('MIDDLE') }] })
    await transcript.ask('configurationDone', {})
    const at = await stop(transcript)
    await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: debuggee.line('LEAF') }] })
    await transcript.ask('next', { threadId: at.threadId })
    const call = await stop(transcript)
    await transcript.ask('stepIn', { threadId: call.threadId })
    const inside = await stop(transcript)
    await transcript.ask('continue', { threadId: inside.threadId })
    const { threadId } = (await transcript.event('stopped')) as { threadId: number }
    await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 20 })
    await transcript.ask('setBreakpoints', { source, breakpoints: [] })
    await transcript.ask('stepOut', { threadId })
    await stop(transcript)
  },
}

/** Steps through what a bundler wrote: its helpers are passed by, and seen in the stack for what they are. */
const sourceMaps: Story<RunningNode> = {
  name: 'source-maps',
  mode: 'inspect',
  async tell({ transcript, debuggee }) {
    const source = { path: debuggee.file }
    const [first, last] = [debuggee.line('MIDDLE'), debuggee.line('LEAF')]
    await transcript.ask('breakpointLocations', { source, line: first, endLine: first + 1 })
    await transcript.ask('setBreakpoints', { source, breakpoints: [{ line: first }, { line: last, column: 3 }] })
    await transcript.ask('configurationDone', {})
    const at = await stop(transcript)
    await transcript.ask('next', { threadId: at.threadId })
    const call = await stop(transcript)
    await transcript.ask('stepIn', { threadId: call.threadId })
    const outer = await stop(transcript)
    await transcript.ask('stepIn', { threadId: outer.threadId })
    const inner = await stop(transcript)
    await transcript.ask('variables', { variablesReference: inner.reference })
    await transcript.ask('evaluate', { expression: 'n + 1', frameId: inner.frameId, context: 'watch' })
    await transcript.ask('continue', { threadId: inner.threadId })
    const { threadId } = (await transcript.event('stopped')) as { threadId: number }
    await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 20 })
    await transcript.ask('source', { source: { path: debuggee.generated }, sourceReference: 0 })
    await transcript.ask('setBreakpoints', { source, breakpoints: [] })
  },
}

function subjectOf(version: NodeVersion, kind: string, { sources, options }: NodeProgram): Subject<RunningNode> {
  return {
    name: `${kind} on Node ${version.name}`,
    // Both Nodes give the same.
    folder: `node/${kind}`,
    backend: 'node',
    words,
    unstable: [
      // Lines of Node's own sources.
      [/(node:[\w/]+):\d+(:\d+)?/g, '$1'],
      [/\S*breakwater-node-\w{6}/g, '<program>'],
    ],
    start: () => startNode(version, sources, options),
    // Its source map is there.
    ready: (client, { file }) =>
      until(`${file} is known`, async () => {
        const body = await client.request('loadedSources', undefined)
        return body!.sources.some(({ path }) => path === file)
      }),
    options: ({ folder }) => (options.map === 'elsewhere' ? `{ maps: [${folder}/maps] }` : '{}'),
  }
}

const told: readonly { readonly story: Story<RunningNode>; readonly on: Readonly<Record<string, NodeProgram>> }[] = [
  ...stories.map((story) => ({ story, on: shops })),
  { story: lateScript, on: lates },
  { story: asyncStack, on: { typescript: waiters['typescript']! } },
  { story: sourceMaps, on: { minified: waiters['minified']! } },
]

// All of them, on a busy machine.
t.setTimeout(300_000)

for (const version of nodeVersions) {
  for (const { story, on } of told) {
    for (const [kind, program] of Object.entries(on)) {
      const subject = subjectOf(version, kind, program)
      void t.test(`${story.name}: ${subject.name}`, async (test) => {
        const debuggee = await tell(test as Test, subject, story)
        test.notMatch(debuggee.lines.join('\n'), /a getter was run/)
      })
    }
  }
}
