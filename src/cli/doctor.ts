import type { Config, TargetConfig } from '../config/config.ts'
import { didYouMean } from '../lib/nearest.ts'
import { jsonOption, type Command } from './args.ts'
import { CliError, exitCode } from './io.ts'
import { painter, print, printJson, visible, type Paint } from '../lib/terminal.ts'

/** One hop on the way to the program. */
export interface Step {
  readonly hop: string
  readonly outcome: 'ok' | 'warning' | 'failed'
  readonly detail: string
  /** What to do about it. */
  readonly advice?: string
}

export const doctor: Command = {
  name: 'doctor',
  operands: 'TARGET',
  minOperands: 1,
  maxOperands: 1,
  summary: 'try each hop to a target in turn, and say what to do at the first that fails',
  details: `No program is stopped: the debugger is asked who it is, and a Node for its scripts. One under Delve is held for some
milliseconds to ask for its sources, if nobody else is connected. Ends with 69 if a hop fails.
Where the port is closed and the target says how to open it (start), that is told, and done only with --start.`,
  options: {
    json: jsonOption,
    start: { type: 'boolean', help: 'where the port is closed, do what start in the target says' },
  },
  async run(args, { io, loadConfig }) {
    const config = await loadConfig()
    const target = findTarget(config, args.positionals[0]!)
    const paint = painter(io.stdout, io.env)
    const steps: Step[] = []
    const { examine } = await import('./examine.ts')
    for await (const step of examine(target, config, io, { start: args.flag('start') })) {
      steps.push(step)
      if (!args.flag('json')) print(io.stdout, stepText(step, paint))
    }
    const failed = steps.some(({ outcome }) => outcome === 'failed')
    if (args.flag('json')) printJson(io.stdout, { target: target.name, reachable: !failed, steps })
    else if (!failed) print(io.stdout, `\n${end(target.name, steps, paint)}`)
    return failed ? exitCode.unavailable : exitCode.ok
  },
}

function findTarget({ targets }: Config, name: string): TargetConfig {
  const target = targets.get(name)
  if (target !== undefined) return target
  throw new CliError(exitCode.usage, `there is no target '${name}'`, didYouMean(name, [...targets.keys()], 'targets'))
}

function stepText({ hop, outcome, detail, advice }: Step, paint: Paint): string {
  const mark = { ok: paint('green', '✓'), warning: paint('yellow', '!'), failed: paint('red', '✗') }[outcome]
  const lines = [`${mark} ${hop.padEnd(12)} ${detail.split('\n').map(visible).join('\n')}`]
  if (advice !== undefined && advice !== '') lines.push(...advice.split('\n').map((line) => `  ${visible(line)}`))
  return lines.join('\n')
}

/** When nothing has failed. */
function end(name: string, steps: readonly Step[], paint: Paint): string {
  const isRefused = steps.some(({ hop, outcome }) => hop === 'policy' && outcome === 'warning')
  if (isRefused) return paint('yellow', `'${name}' is there, and cannot be debugged with its policy.`)
  return paint('green', `'${name}' can be debugged.`)
}
