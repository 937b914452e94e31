import { isHere } from '../../transport/direct.ts'
import { HopError, type Address, type Watch } from '../../transport/transport.ts'
import type { BackendContext } from '../backend.ts'
import { lastWordsScript } from './lastWords.ts'

export interface WatchParts {
  readonly context: Pick<BackendContext, 'transport' | 'signal' | 'log'>
  readonly address: Address
  /** What the names of our breakpoints begin with. */
  readonly prefix: string
  /** False where the program was held when we came, and has not run since. */
  readonly resume: boolean
  readonly note: (text: string) => void
}

const risk = 'breakpoints would stay in the program, which would stop at them until somebody lets it run on'

/**
 * Leaves words for Delve, which lets no program go by itself: said by a watchdog at the far end when we are gone without
 * a word. **The bound:** the program runs on, with no breakpoint of ours, at most the lease (10 s by default, whole
 * seconds) + 1 s + the words' own time (at most 10 s, usually 1 s) after the last heartbeat that arrived; when our
 * end is audible (the connection breaks, the daemon is killed where the way is direct), the words' own time.
 *
 * Undefined, and a note, where nobody can be left there.
 */
export async function watchFor({ context, address, note, ...words }: WatchParts): Promise<Watch | undefined> {
  const { transport, signal, log } = context
  const uncovered = (why: string): undefined => {
    note(`If Breakwater or the connection is lost, ${risk}: ${why}`)
    return undefined
  }
  if (transport.watch === undefined)
    return uncovered(`nothing can be run at the far end of ${transport.name}, or its lease is off`)
  try {
    if (transport.name === 'direct' && !isHere(transport, address)) {
      note(`Only the end of Breakwater is watched: ${risk} if its machine or the network to Delve is lost. Use ssh.`)
    }
    return await transport.watch(lastWordsScript(address, words.prefix, words.resume), signal)
  } catch (error) {
    // Without a connection there is nothing to watch.
    if (!(error instanceof HopError) || error.code === 'lost') throw error
    log.warn({ err: error }, 'nobody can be left at the far end')
    return uncovered(error.message)
  }
}
