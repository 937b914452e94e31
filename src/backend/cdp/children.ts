import type { BackendContext } from '../backend.ts'
import { sleep } from '../../lib/abort.ts'
import type { Processes } from './processes.ts'
import type { Worker } from './workers.ts'

/** How often the far side is asked for new child processes: a few small reads of /proc there. */
const scanEveryMs = 5_000

/** Workers and child processes, offered to the client as sessions of their own (DAP's `startDebugging`). */
export class Children {
  readonly #context: BackendContext
  readonly #known = new Set<number>()
  readonly #end = new AbortController()

  constructor(context: BackendContext) {
    this.#context = context
  }

  /** Its session, if one comes, lets it run with its breakpoints set; else it runs when the offer is over. */
  offerWorker({ id, name, cdp, waits }: Worker): void {
    const release = async (): Promise<void> => {
      if (waits) cdp.send('Runtime.runIfWaitingForDebugger')
      return Promise.resolve()
    }
    this.#context.child({ name, process: id, release })
  }

  /** Offers each child process that has its inspector open, until the end. They never wait for anybody. */
  async watch(processes: Processes): Promise<void> {
    const signal = AbortSignal.any([this.#end.signal, this.#context.signal])
    try {
      for (;;) {
        for (const { pid, script } of await processes.scan(signal)) {
          if (this.#known.has(pid)) continue
          this.#known.add(pid)
          this.#context.child({ name: `${script} (process ${pid})`, process: pid, release: () => Promise.resolve() })
        }
        await sleep(scanEveryMs, signal)
      }
    } catch (error) {
      // No shell there, or no /proc: child processes are then attached to by their own address.
      if (!signal.aborted) this.#context.log.info({ err: error }, 'child processes are not looked for')
    } finally {
      processes.close()
    }
  }

  end(): void {
    this.#end.abort(new Error('the session has ended'))
  }
}
