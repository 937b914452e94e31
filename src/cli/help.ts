import { didYouMean } from '../lib/nearest.ts'
import { commonOptions, type Command, type OptionSpec } from './args.ts'
import { exitCode, usageError } from './io.ts'
import { print } from '../lib/terminal.ts'

export const help: Command = {
  name: 'help',
  operands: '[COMMAND]',
  minOperands: 0,
  maxOperands: 1,
  summary: 'show this, or the help of one command',
  options: {},
  run(args, { io, commands }) {
    const [name] = args.positionals
    print(io.stdout, name === undefined ? overview(commands) : commandHelp(findCommand(commands, name)))
    return Promise.resolve(exitCode.ok)
  },
}

export function findCommand(commands: readonly Command[], name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command !== undefined) return command
  const names = commands.map((candidate) => candidate.name)
  throw usageError(`there is no command '${name}'`, didYouMean(name, names, 'commands'))
}

export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name, operands }) => `${name} ${operands}`.length))
  const lines = commands.map(({ name, operands, summary }) => `  ${`${name} ${operands}`.padEnd(width)}   ${summary}`)
  return `Breakwater: one Debug Adapter Protocol server in front of running programs, with policy.

Usage: breakwater COMMAND [OPTIONS]

${lines.join('\n')}

${optionLines(commonOptions)}

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 unavailable, 77 no permission, 78 wrong configuration.`
}

export function commandHelp({ name, operands, summary, details, options }: Command): string {
  const parts = [`Usage: breakwater ${name} ${operands}`.trimEnd(), `${summary[0]!.toUpperCase()}${summary.slice(1)}.`]
  if (details !== undefined) parts.push(details)
  return [...parts, optionLines({ ...options, ...commonOptions })].join('\n\n')
}

function optionLines(options: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(options).map(([name, { short, value, help }]) => {
    const left = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
    return [left, help] as const
  })
  const width = Math.max(...rows.map(([left]) => left.length))
  return ['Options:', ...rows.map(([left, text]) => `  ${left.padEnd(width)}   ${text}`)].join('\n')
}
