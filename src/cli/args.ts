import { parseArgs } from 'node:util'
import { didYouMean } from '../lib/nearest.ts'
import type { Config } from '../config/config.ts'
import { usageError, type ExitCode, type Io } from './io.ts'

export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands for the value in the help: FILE. */
  readonly value?: string
  readonly help: string
}

export interface Parsed {
  readonly positionals: readonly string[]
  flag(name: string): boolean
  text(name: string): string | undefined
}

/** One command of `breakwater`. */
export interface Command {
  readonly name: string
  /** What follows the name in the usage line: `TARGET`. */
  readonly operands: string
  readonly minOperands: number
  readonly maxOperands: number
  readonly summary: string
  /** Further lines of its help. */
  readonly details?: string
  readonly options: Readonly<Record<string, OptionSpec>>
  run(args: Parsed, context: CommandContext): Promise<ExitCode>
}

export interface CommandContext {
  readonly io: Io
  /** Loads what `--config` names, or what is found; rejects with ConfigError. */
  readonly loadConfig: () => Promise<Config>
  /** All commands, for `help`. */
  readonly commands: readonly Command[]
}

/** Options that every command takes, also before its name. */
export const commonOptions: Readonly<Record<string, OptionSpec>> = {
  config: { type: 'string', short: 'c', value: 'FILE', help: 'the configuration file' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
}

export const jsonOption: OptionSpec = { type: 'boolean', help: 'print JSON, for programs' }

const secretOptions = ['token', 'password', 'secret']

/** The command's name and what follows it; options that all commands take may stand before. */
export function splitCommand(argv: readonly string[]): { name: string | undefined; rest: string[] } {
  refuseSecrets(argv)
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) return { name: 'version', rest: [] }
  const takesValue = (word: string): boolean => word === '--config' || word === '-c'
  let at = 0
  while (at < argv.length && argv[at]!.startsWith('-')) at += takesValue(argv[at]!) ? 2 : 1
  return { name: argv[at], rest: [...argv.slice(0, at), ...argv.slice(at + 1)] }
}

/** Everybody on the machine can read a command line, and shells write it to their history. */
function refuseSecrets(argv: readonly string[]): void {
  const found = secretOptions.find((name) => argv.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)))
  if (found === undefined) return
  const advice =
    'Name a file (mode 0600) or a variable for it in the configuration: auth: { tokens: [{ name: me, file: … }] }'
  throw usageError(`there is no --${found}: everybody on this machine can read a command line`, advice)
}

/** Parses what stands beside the command's name; throws a CliError that says what is wrong and what would be right. */
export function parseCommand(command: Command, args: readonly string[]): Parsed {
  const options: Record<string, OptionSpec> = { ...commonOptions, ...command.options }
  const shapes = Object.entries(options).map(([name, { type, short }]) => [
    name,
    short === undefined ? { type } : { type, short },
  ])
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(shapes) as Record<string, { type: 'string' | 'boolean'; short?: string }>,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string | true>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    values.set(token.name, checkedValue(command, options, token.name, token.rawName, token.value))
  }
  if (!values.has('help')) checkOperands(command, positionals)
  return {
    positionals,
    flag: (name) => values.has(name),
    text: (name) => {
      const value = values.get(name)
      return typeof value === 'string' ? value : undefined
    },
  }
}

function checkedValue(
  command: Command,
  options: Readonly<Record<string, OptionSpec>>,
  name: string,
  written: string,
  value: string | undefined,
): string | true {
  const spec = options[name]
  if (spec === undefined) {
    const known = Object.keys(options).map((option) => `--${option}`)
    throw usageError(`'${command.name}' has no option '${written}'`, didYouMean(written, known, 'options'))
  }
  if (spec.type === 'boolean') {
    if (value !== undefined) throw usageError(`'${written}' takes no value`)
    return true
  }
  if (value === undefined || value === '')
    throw usageError(`'${written}' needs a value: ${written} ${spec.value ?? 'VALUE'}`)
  return value
}

function checkOperands({ name, operands, minOperands, maxOperands }: Command, given: readonly string[]): void {
  const usage = `Usage: breakwater ${name} ${operands}`.trimEnd()
  if (given.length < minOperands) throw usageError(`'${name}' needs ${operands}`, usage)
  if (given.length > maxOperands) throw usageError(`'${given[maxOperands]}' is one word too many`, usage)
}
