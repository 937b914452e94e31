import { deferred } from '../../src/lib/deferred.ts'
import type { Attach, Backend, BackendContext, BackendKind, Handlers } from '../../src/backend/backend.ts'
import type { AnyCall } from '../../src/dap/call.ts'
import type { Command } from '../../src/dap/protocol.ts'
import { dapError } from '../../src/dap/errors.ts'
import { defaultSettings, type PolicySettings } from '../../src/policy/settings.ts'
import type { Mode } from '../../src/policy/policy.ts'
import type { TargetSource } from '../../src/session/sessions.ts'
import type { Target } from '../../src/session/target.ts'
import { usualCapabilities } from '../../src/session/capabilities.ts'
import { direct } from '../../src/transport/direct.ts'

/** A debugger for tests of faults: it stalls, dies and emits on command. The real ones are tested beside it. */
export class FakeDebugger {
  readonly calls: AnyCall[] = []
  /** What happened, in order: for tests of the order of an end. */
  readonly story: string[] = []
  closed = deferred<Error | undefined>()
  context!: BackendContext
  process: number | undefined
  /** Held back until resolved; set before attaching. */
  gate: Promise<void> = Promise.resolve()
  attachError: Error | undefined
  answers: Partial<Record<Command, (call: AnyCall) => Promise<unknown>>> = {}

  readonly attach: Attach = async (options, context) => {
    this.closed = deferred<Error | undefined>()
    this.context = context
    this.process = options.process
    this.story.push('attaching')
    await this.gate
    if (this.attachError !== undefined) throw this.attachError
    this.story.push('attached')
    const { closed } = this
    const handlers: Partial<Record<Command, (call: AnyCall) => Promise<unknown>>> = {}
    for (const command of commandsOfFake) handlers[command] = (call) => this.#answer(call)
    const backend: Backend = {
      handlers: handlers as Handlers,
      features: { supportsConditionalBreakpoints: true },
      closed: closed.promise,
      [Symbol.asyncDispose]: async () => {
        this.story.push('detached')
        closed.resolve(undefined)
        await Promise.resolve()
      },
    }
    return backend
  }

  async #answer(call: AnyCall): Promise<unknown> {
    this.calls.push(call)
    this.story.push(call.command)
    const answer = this.answers[call.command]
    if (answer !== undefined) return answer(call)
    switch (call.command) {
      case 'threads':
        return { threads: [{ id: 1, name: 'Main' }] }
      case 'stackTrace':
        return {
          stackFrames: [{ id: 5, name: 'f', line: 1, column: 1, source: { path: '/app/a.py' } }],
          totalFrames: 1,
        }
      case 'scopes':
        return { scopes: [{ name: 'Locals', variablesReference: 9, expensive: false }] }
      case 'variables':
        return { variables: [{ name: 'n', value: '1', type: 'int', variablesReference: 0 }] }
      case 'setBreakpoints':
        return {
          breakpoints: (call.arguments.breakpoints ?? []).map(({ line }, i) => ({ id: i + 1, verified: true, line })),
        }
      case 'continue':
        return { allThreadsContinued: true }
      default:
        return undefined
    }
  }
}

const commandsOfFake: Command[] = [
  'configurationDone',
  'threads',
  'stackTrace',
  'scopes',
  'variables',
  'evaluate',
  'setBreakpoints',
  'setExceptionBreakpoints',
  'continue',
  'next',
  'pause',
  'goto',
  'setVariable',
]

/** Targets by name, each with its own fake debugger. */
export function fakeTargets(
  debuggers: Record<string, FakeDebugger>,
  mode: Mode = 'control',
  change: (settings: PolicySettings) => PolicySettings = (s) => s,
): TargetSource {
  const settings = change(defaultSettings(mode))
  const target = (name: string): Target => {
    const kind: BackendKind = {
      name: 'debugpy',
      attach: debuggers[name]!.attach,
      usualCommands: commandsOfFake,
      usualFeatures: {},
    }
    return {
      name,
      kind,
      policy: mode,
      settings,
      address: { host: '127.0.0.1', port: 1 },
      listen: false,
      paths: [{ remote: '/app', local: '/home/me/app' }],
      options: {},
      open: () => Promise.resolve(direct()),
    }
  }
  return {
    resolve(name) {
      if (typeof name !== 'string' || debuggers[name] === undefined) {
        throw dapError('unknownTarget', { target: String(name), advice: 'There are others.' })
      }
      return target(name)
    },
    usualCapabilities: () => usualCapabilities([]),
    reload: () => {},
  }
}
