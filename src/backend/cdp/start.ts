import { notFound, runThere, withProcess, type ProcessQuery } from '../../transport/farProcess.ts'
import { HopError, type Transport } from '../../transport/transport.ts'

/** How the inspector of a program that runs without is opened: by a command, or by SIGUSR1 to a process to be found. */
export type StartRecipe =
  | { readonly kind: 'command'; readonly argv: readonly [string, ...string[]] }
  | ({ readonly kind: 'signal' } & ProcessQuery)

/** SIGUSR1 ends a process that does not expect it, so it is sent only to one that catches it, as every Node does. */
const catches = String.raw`
  while read -r key mask; do case "$key" in SigCgt:) case "$mask" in *[2367abef]??) return 0;; esac; return 1;; esac; done 2>/dev/null <"/proc/$1/status"
  return 1`
const signals = 'kill -"$number" "$pid" 2>/dev/null && say sent "$pid" || say denied "$pid"'

/** Where nothing listens after all that. */
export const stillClosedAdvice =
  'Is that the program, and does it listen elsewhere (--inspect-port, an --inspect of its own)? One that handles SIGUSR1 by itself opens nothing.'

/** Whether the process of the recipe is there and may be signalled, and which it is; nothing is done to it. */
export function findProcess(query: ProcessQuery, transport: Transport, signal: AbortSignal): Promise<string> {
  return signalled(query, '0', transport, signal)
}

/** What would be done, for people: `SIGUSR1 to the process whose number is in /run/app.pid`. */
export function recipeText(recipe: StartRecipe): string {
  if (recipe.kind === 'command') return recipe.argv.join(' ')
  const { by, what } = recipe
  if (by === 'pid') return `SIGUSR1 to process ${what}`
  return by === 'pidFile'
    ? `SIGUSR1 to the process whose number is in ${what}`
    : `SIGUSR1 to the process whose command line has '${what}'`
}

/**
 * Makes the program open its inspector, and says what was done. Resolves when the command has ended; the port opens a
 * moment later. Rejects with HopError, whose advice says what to do.
 */
export async function start(recipe: StartRecipe, transport: Transport, signal: AbortSignal): Promise<string> {
  if (recipe.kind === 'signal') {
    return `SIGUSR1 was sent to process ${await signalled(recipe, 'USR1', transport, signal)}`
  }
  await runThere(recipe.argv, '', transport, signal)
  return `${recipe.argv.join(' ')} was run`
}

async function signalled(
  query: ProcessQuery,
  number: '0' | 'USR1',
  transport: Transport,
  signal: AbortSignal,
): Promise<string> {
  const said = await withProcess(query, { fits: catches, does: signals, input: { number } }, transport, signal)
  const [pid = ''] = said.words
  const refused = (problem: string, advice: string) => new HopError(transport.name, 'command', problem, advice)
  switch (said.outcome) {
    case 'sent':
      return pid
    case 'unfit':
      throw refused(
        `process ${pid} does not take SIGUSR1, which would end it, so it was not sent`,
        'Is that the Node process, and not a shell or npm around it? With --disable-sigusr1 Node takes none.',
      )
    case 'denied':
      throw refused(
        `process ${pid} may not be signalled by this user`,
        "Log in as the program's own user, or let the command be one that may: start: [sudo, …].",
      )
    default: {
      const otherwise = 'Name the command in start: [kill, -USR1, "1234"].'
      throw notFound(said, query, 'takes SIGUSR1', transport.name, otherwise)
    }
  }
}
