import type { GoFunction, Goroutine } from './wire.ts'

/** `(*Server).Serve` of `net/http` is `http.(*Server).Serve`, as Go's own stack traces and `dlv dap` shorten it. */
export function shortName(name: string): string {
  return name.slice(pathEnd(name))
}

/** The import path: `net/http`. */
export function packageOf(name: string): string {
  const from = pathEnd(name)
  const dot = name.indexOf('.', from)
  return dot === -1 ? '' : name.slice(0, dot)
}

/** Where the last folder of the import path ends; the arguments of a generic type have paths of their own. */
function pathEnd(name: string): number {
  const generic = name.indexOf('[')
  return name.lastIndexOf('/', generic === -1 ? undefined : generic) + 1
}

/** Delve has no function for code that is not Go's and has no symbols. */
export function functionName(fn: GoFunction | undefined): string {
  return fn === undefined ? '???' : shortName(fn.name)
}

/** What belongs to no function is the runtime's, as for `dlv dap`. */
export function isRuntime(fn: GoFunction | undefined): boolean {
  return fn === undefined || packageOf(fn.name) === 'runtime'
}

/** The runtime's own goroutines: Delve's rule for its filter `user`. */
export function isSystem({ startLoc }: Goroutine): boolean {
  const start = startLoc.function?.name
  if (start === undefined || start === 'runtime.main' || start === 'runtime.handleAsyncEvent') return false
  return start.startsWith('runtime.')
}
