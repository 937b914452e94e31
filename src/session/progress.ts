import type { AnyEvent } from '../dap/call.ts'
import type { AttachmentParts } from './attachment.ts'

/** Shorter work than this is not worth a toast. */
const worthShowingMs = 300

/** A long step as the client shows it, where it declared that it can. Cancelled by `cancel` with its `progressId`. */
export class Progress {
  readonly #send: (event: AnyEvent) => void
  readonly #id: string
  readonly #timer: NodeJS.Timeout | undefined
  #shown = false
  #message = ''

  constructor({ client, session, send }: AttachmentParts, title: string) {
    this.#send = send
    this.#id = `${session.id}-attach`
    if (client.supportsProgressReporting !== true) return
    this.#timer = setTimeout(() => {
      this.#shown = true
      const body = { progressId: this.#id, title, cancellable: true, message: this.#message }
      send({ event: 'progressStart', body })
    }, worthShowingMs)
  }

  step(message: string): void {
    this.#message = message
    if (this.#shown) this.#send({ event: 'progressUpdate', body: { progressId: this.#id, message } })
  }

  end(): void {
    clearTimeout(this.#timer)
    if (this.#shown) this.#send({ event: 'progressEnd', body: { progressId: this.#id } })
    this.#shown = false
  }
}
