type Release = () => void | Promise<void>

/**
 * What must be undone at an end, undone in reverse order. What is added after the end is undone at once, so a task
 * that was still opening something while its session ended cannot leak it. Node 20 has no `AsyncDisposableStack`.
 */
export class Scope implements AsyncDisposable {
  #releases: Release[] = []
  #ended: Promise<void> | undefined

  get ended(): boolean {
    return this.#ended !== undefined
  }

  /** Registers `release`; returns what it was given for, so that opening and registering are one line. */
  add(release: Release): void {
    if (this.#ended !== undefined) void this.#run(release)
    else this.#releases.push(release)
  }

  use<T extends AsyncDisposable>(resource: T): T {
    this.add(() => resource[Symbol.asyncDispose]() as Promise<void>)
    return resource
  }

  /** Errors of releases are collected and do not keep later ones from running. */
  readonly errors: unknown[] = []

  async #run(release: Release): Promise<void> {
    try {
      await release()
    } catch (error) {
      this.errors.push(error)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#ended ??= (async () => {
      for (let release = this.#releases.pop(); release !== undefined; release = this.#releases.pop()) {
        await this.#run(release)
      }
    })()
    return this.#ended
  }
}
