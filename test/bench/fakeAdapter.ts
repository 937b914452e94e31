import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface FakeAdapter extends AsyncDisposable {
  readonly port: number
}

/** See adapter.ts. */
export async function startFakeAdapter(): Promise<FakeAdapter> {
  // With the loader of this process, by `execArgv`.
  const child = fork(fileURLToPath(new URL('./adapter.ts', import.meta.url)))
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}
