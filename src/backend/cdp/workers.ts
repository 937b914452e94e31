import type { Log } from '../../lib/log.ts'
import { dapError } from '../../dap/errors.ts'
import { Conversation, type CdpSession } from './connection.ts'

/** A worker thread of the program, as the inspector of its main thread tells of it. */
export interface Worker {
  /** `worker_threads.threadId`, from 1: the same for every session of this inspector. */
  readonly id: number
  /** `first (worker 1)`. */
  readonly name: string
  readonly cdp: CdpSession
  /** It has not run its first line, and does not before `Runtime.runIfWaitingForDebugger`. */
  readonly waits: boolean
}

/**
 * The workers of a program. Each is a conversation of its own inside that of the main thread (`NodeWorker` domain).
 * Other sessions on the same inspector have their own; any of them may let a waiting worker run (20, 24).
 */
export class Workers {
  readonly #main: CdpSession
  readonly #log: Log
  readonly #onWorker: (worker: Worker) => void
  readonly #sessions = new Map<string, { readonly worker: Worker; readonly conversation: Conversation }>()

  constructor(main: CdpSession, log: Log, onWorker: (worker: Worker) => void) {
    this.#main = main
    this.#log = log
    this.#onWorker = onWorker
    main.on('NodeWorker.attachedToWorker', ({ sessionId, workerInfo, waitingForDebugger }) => {
      this.#attached(sessionId, workerInfo, waitingForDebugger)
    })
    main.on('NodeWorker.receivedMessageFromWorker', ({ sessionId, message }) => {
      this.#sessions.get(sessionId)?.conversation.receive(message)
    })
    main.on('NodeWorker.detachedFromWorker', ({ sessionId }) => this.#detached(sessionId))
    void main.closed.then(() => {
      for (const sessionId of this.#sessions.keys()) this.#detached(sessionId)
    })
  }

  /** Those that run already are told before this resolves. `wait`: new ones stand still until they are let go. */
  async enable(wait: boolean, signal: AbortSignal): Promise<void> {
    await this.#main.request('NodeWorker.enable', { waitForDebuggerOnStart: wait }, signal)
  }

  byId(id: number): Worker | undefined {
    for (const { worker } of this.#sessions.values()) if (worker.id === id) return worker
    return undefined
  }

  /** None may be left waiting by the end of a session. Harmless for those that run. */
  releaseAll(): void {
    for (const { worker } of this.#sessions.values()) {
      if (worker.waits) worker.cdp.send('Runtime.runIfWaitingForDebugger')
    }
  }

  #attached(sessionId: string, info: { workerId: string; title: string }, waits: boolean): void {
    const conversation = new Conversation((message) => {
      this.#main.send('NodeWorker.sendMessageToWorker', { sessionId, message: inAscii(message) })
    }, this.#log)
    const { id, name } = named(info)
    const worker: Worker = { id, name, cdp: conversation, waits }
    this.#sessions.set(sessionId, { worker, conversation })
    this.#onWorker(worker)
  }

  #detached(sessionId: string): void {
    const found = this.#sessions.get(sessionId)
    if (found === undefined) return
    this.#sessions.delete(sessionId)
    found.conversation.end(dapError('debuggerGone', { why: `${found.worker.name} has ended` }), false)
  }
}

/**
 * The same JSON. Of each UTF-16 unit only the low byte comes to a worker (20): U+2026 is read as `&`, U+2022 as a
 * quotation mark, and a request that is no JSON any more has no answer that tells whose it is.
 */
function inAscii(json: string): string {
  return json.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/**
 * `[worker 2] second`: the number is its thread id, while `workerId` counts anew in each session (20, 24). The name is the
 * program's, or `WorkerThread` (24), or nothing (20).
 */
function named({ workerId, title }: { workerId: string; title: string }): { id: number; name: string } {
  const [, number = workerId, own = ''] = /^\[worker (\d+)\]\s*(.{0,200})/su.exec(title) ?? []
  const isNamed = own !== '' && own !== 'WorkerThread'
  return { id: Number(number), name: isNamed ? `${own} (worker ${number})` : `worker ${number}` }
}
