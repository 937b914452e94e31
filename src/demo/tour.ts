import { readFile } from 'node:fs/promises'
import type { DebugProtocol } from '@vscode/debugprotocol'
import { basename } from 'node:path'
import { sleep } from '../lib/abort.ts'
import type { Log } from '../lib/log.ts'
import { visible, type Paint } from '../lib/terminal.ts'
import { ScriptedClient } from './client.ts'
import type { Program } from './program.ts'

const treeDepth = 4
const logLines = 2
const runsOnWithinMs = 20_000

export interface TourParts {
  readonly port: number
  readonly target: string
  readonly program: Program
  readonly auditFile: string
  readonly log: Log
  readonly paint: Paint
  readonly print: (text: string) => void
}

/** What an editor does with a target, step by step, with what its user would see. Rejects when a step fails. */
export async function tour(parts: TourParts): Promise<void> {
  const { program, paint, print } = parts
  const client = await ScriptedClient.dial(parts.port, parts.log)
  const step = (text: string): void => print(`\n${paint('bold', `▸ ${text}`)}`)
  try {
    step(`A client attaches to "${parts.target}" through port ${parts.port}`)
    await attach(client, parts.target)
    const line = await program.line('BREAK')
    step(`It sets a breakpoint at ${basename(program.file)}:${line}, and the program runs into it`)
    const stopped = await breakAt(client, program.file, line, parts)
    const frame = await showStack(client, stopped, parts)
    step('The variables, as an editor shows them; what looks like a secret is hidden')
    const scopes = (await client.request('scopes', { frameId: frame.id })).scopes
    // V8 has inner blocks before it.
    const locals = scopes.findIndex(
      ({ presentationHint, name }) => presentationHint === 'locals' || name.startsWith('Local'),
    )
    for (const scope of scopes.slice(0, locals + 1)) await showVariables(client, scope, 0, parts)
    step('Expressions that only look are answered')
    for (const expression of program.sample.looks) await evaluate(client, frame.id, expression, parts)
    step('Whatever would run the code of the program or change it is refused')
    await change(client, scopes[Math.max(0, locals)]!, parts)
    for (const expression of program.sample.touches) await evaluate(client, frame.id, expression, parts)
    const logLine = await program.line('LOG')
    step(
      `A log point with a condition at ${basename(program.file)}:${logLine}: the program runs, and is not held again`,
    )
    await logAt(client, logLine, stopped.threadId ?? 1, parts)
    step('The client leaves: the breakpoint is gone, and the program runs on')
    await client.request('disconnect', {})
    await runsOn(parts)
  } finally {
    await client.close()
  }
  step('What the audit has of it')
  await showAudit(parts)
}

async function attach(client: ScriptedClient, target: string): Promise<void> {
  await client.request('initialize', { clientID: 'demo', adapterID: 'breakwater', supportsVariableType: true })
  // Not awaited before `initialized`: debuggers may answer it only after configurationDone.
  const attached = client.request('attach', { target } as DebugProtocol.AttachRequestArguments)
  await Promise.race([client.event('initialized'), attached.then(() => client.event('initialized'))])
  void attached.catch(() => {})
}

async function breakAt(client: ScriptedClient, path: string, line: number, { print }: TourParts) {
  const from = client.eventCount
  const { breakpoints } = await client.request('setBreakpoints', { source: { path }, breakpoints: [{ line }] })
  await client.request('configurationDone', {})
  const [breakpoint] = breakpoints
  print(
    `  breakpoint ${breakpoint?.verified === true ? 'set' : 'not verified yet'}${breakpoint?.message === undefined ? '' : `: ${breakpoint.message}`}`,
  )
  return client.event('stopped', from)
}

async function logAt(client: ScriptedClient, line: number, threadId: number, { program, print }: TourParts) {
  const { logMessage, logCondition: condition } = program.sample
  const source = { path: program.file }
  const from = client.eventCount
  await client.request('setBreakpoints', { source, breakpoints: [{ line, logMessage, condition }] })
  await client.request('continue', { threadId })
  print(`  if ${condition}: ${logMessage}`)
  const isLogged = ({ output }: DebugProtocol.OutputEvent['body']): boolean => / orders \d+ articles/.test(output)
  for (const { output } of await client.events('output', logLines, from, isLogged))
    print(`    ${visible(output.trimEnd())}`)
}

async function showStack(
  client: ScriptedClient,
  { reason, threadId }: DebugProtocol.StoppedEvent['body'],
  { print, paint }: TourParts,
): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await client.request('stackTrace', { threadId: threadId ?? 1, startFrame: 0, levels: 20 })
  print(`  stopped (${reason}) on thread ${threadId ?? '?'}`)
  for (const { name, source, line } of stackFrames) {
    const where = source?.path === undefined ? (source?.name ?? '') : basename(source.path)
    print(`    ${visible(name)} ${paint('dim', `${visible(where)}:${line}`)}`)
  }
  const [top] = stackFrames
  if (top === undefined) throw new Error('the program stopped without a stack')
  return top
}

/** A tree with indentation; what is nested deeper than an editor would open by itself stays closed. */
async function showVariables(
  client: ScriptedClient,
  parent: { readonly name: string; readonly variablesReference: number },
  depth: number,
  parts: TourParts,
): Promise<void> {
  const { print, paint } = parts
  const indent = '  '.repeat(depth + 1)
  if (depth === 0) print(`${indent}${paint('bold', parent.name)}`)
  const { variables } = await client.request('variables', { variablesReference: parent.variablesReference })
  for (const variable of variables) {
    const { name, value, type, variablesReference } = variable
    if (/^(special|function|class) variables$|^len\(\)$|^constructor$|^length$/.test(name)) continue
    // What every object of the language has tells nothing of the program.
    if (name === '[[Prototype]]' && /^(Object|Array|Map)$/.test(value)) continue
    const kind = type === undefined || type === '' ? '' : paint('dim', `: ${visible(type)}`)
    print(`${indent}  ${paint('cyan', visible(name))}${kind} = ${visible(value).slice(0, 90)}`)
    if (variablesReference > 0 && depth < treeDepth - 1) await showVariables(client, variable, depth + 1, parts)
  }
}

async function evaluate(
  client: ScriptedClient,
  frameId: number,
  expression: string,
  { print, paint }: TourParts,
): Promise<void> {
  const ask = client.request('evaluate', { expression, frameId, context: 'watch' })
  const [ok, text] = await outcome(ask.then(({ result }) => result))
  print(`  ${expression}\n    ${paint(ok ? 'green' : 'yellow', visible(text))}`)
}

async function change(client: ScriptedClient, scope: DebugProtocol.Scope, parts: TourParts): Promise<void> {
  const { print, paint, program } = parts
  const { variablesReference } = scope
  const { number: name } = program.sample
  const ask = client.request('setVariable', { variablesReference, name, value: '0' })
  const [ok, text] = await outcome(ask.then(({ value }) => value))
  print(`  ${name} = 0\n    ${paint(ok ? 'green' : 'yellow', visible(text))}`)
}

/** What the user sees, be it a value or a refusal. */
function outcome(ask: Promise<string>): Promise<[ok: boolean, text: string]> {
  return ask.then(
    (text) => [true, text],
    (error: unknown) => [false, error instanceof Error ? error.message : String(error)],
  )
}

async function runsOn({ program, print }: TourParts): Promise<void> {
  const from = program.lastOrder()
  const endMs = performance.now() + runsOnWithinMs
  while (program.lastOrder() < from + 2) {
    if (performance.now() > endMs) throw new Error(`the program has handled no order since ${from}`)
    await sleep(50)
  }
  print(`  order ${from} … order ${program.lastOrder()}: it goes on`)
}

async function showAudit({ auditFile, print, paint }: TourParts): Promise<void> {
  const lines = (await readFile(auditFile, 'utf8')).trim().split('\n')
  for (const line of lines) {
    const {
      kind,
      command,
      outcome: result,
      rule,
      expression,
      why,
      heldMs,
    } = JSON.parse(line) as Record<string, unknown>
    // The look-ups of a tree are many and alike; what was asked and refused is the story.
    if (kind === 'request' && result === 'allowed' && command !== 'evaluate' && command !== 'setBreakpoints') continue
    const parts = [
      kind,
      command,
      result,
      rule,
      expression,
      why,
      typeof heldMs === 'number' ? `held ${heldMs} ms` : undefined,
    ]
    print(
      `  ${paint(
        'dim',
        parts
          .filter((part) => typeof part === 'string')
          .map(visible)
          .join('  '),
      )}`,
    )
  }
  print(`  (${lines.length} lines in all: ${auditFile})`)
}
