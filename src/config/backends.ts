import { z } from 'zod'
import { nearest } from '../lib/nearest.ts'

/** The options that each backend takes in a target's `options`. A backend that is no key here is none we have. */
export const backendOptions = {
  debugpy: z.strictObject({
    justMyCode: z.boolean({ error: 'true or false is expected' }).describe('Library frames are hidden.').optional(),
    django: z.boolean({ error: 'true or false is expected' }).describe('Breakpoints in Django templates.').optional(),
    jinja: z.boolean({ error: 'true or false is expected' }).describe('Breakpoints in Jinja templates.').optional(),
    redirectOutput: z.boolean({ error: 'true or false is expected' }).describe('Program output is shown.').optional(),
    showReturnValue: z.boolean({ error: 'true or false is expected' }).describe('Return values are shown.').optional(),
  }),
} as const satisfies Record<string, z.ZodObject>

export type BackendKey = keyof typeof backendOptions

const later = ['node', 'delve', 'jdwp', 'gdb', 'cdp', 'go', 'java', 'jvm', 'native', 'lldb']
const otherNames: Readonly<Record<string, BackendKey>> = { python: 'debugpy', ptvsd: 'debugpy', pydevd: 'debugpy' }

/** Why that is no backend of ours, as a sentence. */
export function backendProblem(input: unknown): string {
  const known = Object.keys(backendOptions)
  if (typeof input !== 'string') return `a backend is expected: ${known.join(', ')}`
  if (later.includes(input)) return `this version does not have the backend '${input}' yet; it has ${known.join(', ')}`
  const meant = otherNames[input] ?? nearest(input, known)
  return `there is no backend '${input}'${meant === undefined ? `; this version has ${known.join(', ')}` : `; did you mean '${meant}'?`}`
}
