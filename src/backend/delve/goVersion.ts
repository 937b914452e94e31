import { DelveError } from './connection.ts'
import type { Read } from './reads.ts'
import type { Out } from './wire.ts'

/**
 * Of a stopped program. `GetVersion` tells it too, but not while a halt is still being answered, which no other request
 * shows (1.27.2): so it is read in the program.
 */
export const goVersionRead: Read<'Eval'> = [
  'Eval',
  {
    Scope: { GoroutineID: -1, Frame: 0 },
    Expr: 'runtime.buildVersion',
    Cfg: { FollowPointers: false, MaxVariableRecurse: 0, MaxStringLen: 100, MaxArrayValues: 0, MaxStructFields: 0 },
  },
]

/** Empty for a program without debug information; undefined where it could not be read. */
export async function goVersionOf(answer: Promise<Out<'Eval'>>): Promise<string | undefined> {
  try {
    const version = goVersionIn((await answer).Variable?.value)
    return version === '' ? undefined : version
  } catch (error) {
    if (!(error instanceof DelveError)) throw error
    return /no debug information/.test(error.message) ? '' : undefined
  }
}

/** `Go cmd/compile go1.26.8` is `go1.26.8`; empty for a program without debug information, and for one that runs. */
export function goVersionIn(text = ''): string {
  return /\bgo\d\S*/.exec(text)?.[0] ?? ''
}
