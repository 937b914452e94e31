import type { Test } from 'tap'
import type { BackendName } from '../../src/config/config.ts'
import { Client } from './client.ts'
import type { Debuggee } from './debuggee.ts'
import { startRealDaemon } from './realDaemon.ts'
import { Transcript } from './transcript.ts'

/** What a story says in the language of the program. */
export interface Words {
  readonly ends: string
  /** A condition that never holds, where something thrown is seen only beside a breakpoint. */
  readonly never?: string
  /** Looks that are answered or refused, one after the other. */
  readonly looks: readonly string[]
  readonly milkOnly: string
  readonly empty: string
  /** The exception filter of all that is thrown. */
  readonly raised: string
}

/** A program as `order()` in these stories, in a language, under a debugger. */
export interface Subject<D extends Debuggee = Debuggee> {
  readonly name: string
  /** Of its transcripts. */
  readonly folder: string
  readonly backend: BackendName
  readonly words: Words
  /** What differs from run to run or from version to version. */
  readonly unstable: [RegExp, string][]
  start(): Promise<D>
  /** Waits until the story can begin: what it tells must not depend on how fast the machine is. */
  ready?(client: Client, debuggee: D): Promise<void>
  /** Of its target in the configuration. */
  options?(debuggee: D): string
}

export interface Story<D extends Debuggee = Debuggee> {
  readonly name: string
  readonly mode: 'inspect' | 'control'
  /** What is over when it is told; the program runs on otherwise. */
  readonly ends?: 'program'
  tell(told: Told<D>): Promise<void>
}

export interface Told<D extends Debuggee = Debuggee> {
  readonly transcript: Transcript
  readonly debuggee: D
  readonly client: Client
  readonly words: Words
}

export const stop = async (
  transcript: Transcript,
): Promise<{ threadId: number; frameId: number; reference: number }> => {
  const { threadId } = (await transcript.event('stopped')) as { threadId: number }
  const stack = await transcript.ask('stackTrace', { threadId, startFrame: 0, levels: 2 })
  const frameId = stack!.stackFrames[0]!.id
  const scopes = await transcript.ask('scopes', { frameId })
  return { threadId, frameId, reference: scopes!.scopes[0]!.variablesReference }
}

export const stories: readonly Story[] = [
  {
    name: 'break-look-step',
    mode: 'control',
    async tell({ transcript, debuggee }) {
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
    async tell({ transcript, debuggee, words }) {
      const line = debuggee.line('BREAK')
      const source = { path: debuggee.file }
      await transcript.ask('setBreakpoints', {
        source,
        breakpoints: [{ line }, { line: line + 1, condition: words.ends }, { line: line + 2, hitCondition: 'f()' }],
      })
      await transcript.ask('setExceptionBreakpoints', { filters: [] })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      await transcript.ask('variables', { variablesReference: at.reference })
      for (const expression of words.looks) {
        await transcript.ask('evaluate', { expression, frameId: at.frameId, context: 'repl' })
      }
      await transcript.ask('setVariable', { variablesReference: at.reference, name: 'prices', value: words.empty })
      await transcript.ask('goto', { threadId: at.threadId, targetId: 1 })
      await transcript.ask('setBreakpoints', { source, breakpoints: [] })
      await transcript.ask('next', { threadId: at.threadId })
      await stop(transcript)
    },
  },
  {
    name: 'conditions-and-log-points',
    mode: 'inspect',
    async tell({ transcript, debuggee, client, words }) {
      await transcript.ask('setBreakpoints', {
        source: { path: debuggee.file },
        breakpoints: [
          { line: debuggee.line('LOOP'), condition: words.milkOnly },
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
      await client.until('the log line', 30_000, () => client.output().includes('amount is'))
      transcript.note(/amount is.*/.exec(client.output())![0])
    },
  },
  {
    name: 'exception',
    mode: 'inspect',
    async tell({ transcript, debuggee, words }) {
      if (words.never !== undefined) {
        const breakpoints = [{ line: debuggee.line('RAISE'), condition: words.never }]
        await transcript.ask('setBreakpoints', { source: { path: debuggee.file }, breakpoints })
      }
      await transcript.ask('setExceptionBreakpoints', { filters: [words.raised] })
      await transcript.ask('configurationDone', {})
      const at = await stop(transcript)
      const info = await transcript.ask('exceptionInfo', { threadId: at.threadId })
      if (info === undefined) throw new Error('no exceptionInfo')
      await transcript.ask('setExceptionBreakpoints', { filters: [] })
      await transcript.ask('continue', { threadId: at.threadId })
    },
  },
]

/** Tells a story on a subject, and compares what the client saw with the golden transcript. The program goes on. */
export async function tell<D extends Debuggee>(test: Test, subject: Subject<D>, story: Story<D>): Promise<D> {
  const debuggee = await subject.start()
  test.teardown(() => debuggee.end())
  const options = subject.options?.(debuggee)
  const target = [
    `backend: ${subject.backend}`,
    `at: 127.0.0.1:${debuggee.port}`,
    `policy: ${story.mode}`,
    ...(options === undefined ? [] : [`options: ${options}`]),
  ]
  const daemon = await startRealDaemon(test, { yaml: `targets: { shop: { ${target.join(', ')} } }` })
  const client = await Client.connect(daemon.port)
  await client.initialize({ supportsVariablePaging: true, supportsVariableType: true })
  const folder = debuggee.file.slice(0, debuggee.file.lastIndexOf('/'))
  const transcript = new Transcript(client, [[new RegExp(folder, 'g'), '<folder>'], ...subject.unstable])
  await transcript.ask('attach', { target: 'shop' } as object)
  await transcript.event('capabilities')
  await transcript.event('initialized')
  await subject.ready?.(client, debuggee)
  await story.tell({ transcript, debuggee, client, words: subject.words }).catch((error: unknown) => {
    test.comment(transcript.text)
    throw error
  })
  await transcript.ask('disconnect', {})
  transcript.check(test, `${subject.folder}/${story.name}`)
  if (story.ends === 'program') await debuggee.exited
  else await debuggee.runsOn()
  return debuggee
}
