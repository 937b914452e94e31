import { loadConfig } from '../config/load.ts'
import { ConfigError } from '../config/problem.ts'
import { parseCommand, splitCommand, type Command } from './args.ts'
import { audit } from './audit.ts'
import { check } from './check.ts'
import { connect } from './connect.ts'
import { demo } from './demo.ts'
import { doctor } from './doctor.ts'
import { commandHelp, findCommand, help, overview } from './help.ts'
import { CliError, exitCode, usageError, type ExitCode, type Io } from './io.ts'
import { serve } from './serve.ts'
import { sessions } from './sessions.ts'
import { targets } from './targets.ts'
import { painter, print } from '../lib/terminal.ts'
import { version } from './version.ts'

const commands: readonly Command[] = [serve, connect, check, targets, sessions, audit, doctor, demo, version, help]

/** Runs one command line; resolves to the exit code, and never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<ExitCode> {
  try {
    const { name, rest } = splitCommand(argv)
    if (name === undefined) {
      if (!rest.includes('--help') && !rest.includes('-h')) throw usageError('a command is missing', overview(commands))
      print(io.stdout, overview(commands))
      return exitCode.ok
    }
    const command = findCommand(commands, name)
    const args = parseCommand(command, rest)
    if (args.flag('help')) {
      print(io.stdout, commandHelp(command))
      return exitCode.ok
    }
    return await command.run(args, { io, commands, loadConfig: () => loadConfig(args.text('config'), io) })
  } catch (error) {
    return report(error, io)
  }
}

function report(error: unknown, io: Io): ExitCode {
  const paint = painter(io.stderr, io.env)
  if (error instanceof CliError) {
    print(io.stderr, `${paint('red', 'breakwater:')} ${error.message}`)
    if (error.advice !== undefined) print(io.stderr, error.advice)
    return error.code
  }
  if (error instanceof ConfigError) {
    print(io.stderr, error.message)
    return error.denied ? exitCode.noPermission : exitCode.config
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  print(io.stderr, `${paint('red', 'breakwater:')} this is a bug of Breakwater, please report it:\n${stack}`)
  return exitCode.failed
}
