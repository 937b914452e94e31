import { z } from 'zod'
import { nearest } from '../lib/nearest.ts'
import { count, duration } from './values.ts'

const maxPatterns = 1_000

function flag() {
  return z.boolean({ error: 'true or false is expected' })
}

function texts(what: string) {
  const error = `a list of ${what} is expected`
  return z.array(z.string({ error }).min(1, { error }).max(4096), { error }).max(maxPatterns)
}

const asyncStacks = 'true, false or a number of frames from 1 to 1000 is expected'
/** Those of Delve's command `goroutines` that filter. */
const goroutineFiltersPattern =
  /^\s*(-(w|with|wo|without)\s+((curloc|userloc|goloc|startloc|label)\s+[^\s-]\S*|running|user)(\s+|$)|-chan\s+[^\s-]\S*(\s+|$))*$/
const goroutineFilters = 'filters are expected, such as "-with userloc shop", "-without running" or "-with label job=7"'
const overrides = 'patterns are expected, as { "webpack:///./*": "/app/*" }'

/** The options that each backend takes in a target's `options`. A backend that is no key here is none we have. */
export const backendOptions = {
  debugpy: z.strictObject({
    justMyCode: flag().describe('Library frames are hidden.').optional(),
    django: flag().describe('Breakpoints in Django templates.').optional(),
    jinja: flag().describe('Breakpoints in Jinja templates.').optional(),
    redirectOutput: flag().describe('Program output is shown.').optional(),
    showReturnValue: flag().describe('Return values are shown.').optional(),
  }),
  node: z.strictObject({
    skipFiles: texts('patterns such as <node_internals>/** or **/node_modules/**')
      .describe('Files that steps and exceptions pass by. A pattern with ! takes files out of it again.')
      .optional(),
    smartStep: flag().describe('Steps pass by code that no source map maps. Default true.').optional(),
    sourceMaps: flag().describe('Source maps are read. Default true.').optional(),
    maps: texts('folders of this machine')
      .describe("Folders of the daemon's machine with source maps, which are never put beside the program.")
      .optional(),
    sourceMapPathOverrides: z
      .record(z.string(), z.string({ error: overrides }).max(4096), { error: overrides })
      .describe('Paths of source maps and what they are: { "webpack:///./*": "/app/*" }.')
      .optional(),
    resolveSourceMapLocations: texts('patterns such as **, !**/node_modules/**')
      .nullable()
      .describe('Scripts whose source maps are read. Default: all but those in node_modules; null for all.')
      .optional(),
    root: z
      .string({ error: 'a folder is expected' })
      .min(1, { error: 'a folder is expected' })
      .max(4096)
      .describe('The folder of the program that webpack:// and the like start at. Default: found out.')
      .optional(),
    asyncStacks: z
      .union(
        [flag(), z.int({ error: asyncStacks }).min(1, { error: asyncStacks }).max(1_000, { error: asyncStacks })],
        { error: asyncStacks },
      )
      .describe('Stacks reach back over await; slows async code. Default: while it is stopped and stepped.')
      .optional(),
    console: flag()
      .describe("The program's console is shown. Default: true in control; else from Node 24 on (README says why).")
      .optional(),
    workers: flag().describe('Worker threads are debugged too. Default true.').optional(),
    reconnect: duration(1_000, 600_000)
      .describe('How long a program that has ended is waited for, to be attached to again. Default: not at all.')
      .optional(),
  }),
  delve: z.strictObject({
    goroutines: count(1, 100_000).describe('How many goroutines are listed. Default 1024.').optional(),
    hideSystemGoroutines: flag().describe("Goroutines of Go's runtime are not listed. Default false.").optional(),
    goroutineFilters: z
      .string({ error: goroutineFilters })
      .max(4096)
      .regex(goroutineFiltersPattern, { error: goroutineFilters })
      .describe("Which goroutines are listed, as Delve's command goroutines has it: -with userloc shop.")
      .optional(),
    showPprofLabels: texts('keys of pprof labels, or "*" for all')
      .describe('Labels that are shown in the name of a goroutine. Default none.')
      .optional(),
    showGlobalVariables: flag()
      .describe("The package's variables are read at each stop, not only when they are opened. Default false.")
      .optional(),
    showRegisters: flag()
      .describe('The registers are read at each stop, not only when they are opened. Default false.')
      .optional(),
  }),
} as const satisfies Record<string, z.ZodObject>

export type BackendKey = keyof typeof backendOptions

/** Options that name files or folders of the daemon's machine: for the configuration only, never for a client. */
export const ownFolders: Readonly<Record<BackendKey, readonly string[]>> = {
  debugpy: [],
  node: ['maps'],
  delve: [],
}

/** Where each debugger listens when nobody says otherwise; Delve takes any port then, and its users this one. */
export const usualPorts: Readonly<Record<BackendKey, number>> = { debugpy: 5678, node: 9229, delve: 2345 }

const later = ['jdwp', 'gdb', 'java', 'jvm', 'native', 'lldb']
const otherNames: Readonly<Record<string, BackendKey>> = {
  python: 'debugpy',
  ptvsd: 'debugpy',
  pydevd: 'debugpy',
  js: 'node',
  javascript: 'node',
  typescript: 'node',
  nodejs: 'node',
  node2: 'node',
  'pwa-node': 'node',
  cdp: 'node',
  v8: 'node',
  go: 'delve',
  golang: 'delve',
  dlv: 'delve',
  'dlv-dap': 'delve',
}

/** Why that is no backend of ours, as a sentence. */
export function backendProblem(input: unknown): string {
  const known = Object.keys(backendOptions)
  if (typeof input !== 'string') return `a backend is expected: ${known.join(', ')}`
  if (later.includes(input)) return `this version does not have the backend '${input}' yet; it has ${known.join(', ')}`
  const meant = otherNames[input] ?? nearest(input, known)
  return `there is no backend '${input}'${meant === undefined ? `; this version has ${known.join(', ')}` : `; did you mean '${meant}'?`}`
}
