import type { DebugProtocol } from '@vscode/debugprotocol'
import type { AnyCall, AnyEvent, Arguments } from '../../src/dap/call.ts'
import type { Command } from '../../src/dap/protocol.ts'
import type { Log } from '../../src/lib/log.ts'
import type { Mode, PolicyContext } from '../../src/policy/policy.ts'
import { defaultSettings, type PolicySettings } from '../../src/policy/settings.ts'

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

export interface FakeContext extends PolicyContext {
  readonly events: AnyEvent[]
  readonly asked: { command: Command; arguments: unknown }[]
  readonly ends: string[]
  readonly controller: AbortController
  /** All `output` that was emitted, joined. */
  said(): string
}

/** A session's context that records what a policy does by itself. */
export function fakeContext(mode: Mode = 'inspect', more: Partial<PolicyContext> = {}): FakeContext {
  const events: AnyEvent[] = []
  const asked: { command: Command; arguments: unknown }[] = []
  const ends: string[] = []
  const controller = new AbortController()
  return {
    sessionId: 's1',
    target: 'orders',
    backend: 'debugpy',
    mode,
    who: { identity: 'ann', client: 'neovim', peer: '127.0.0.1:5000' },
    log: silent,
    signal: controller.signal,
    call: (async (command: Command, args: unknown) => {
      asked.push({ command, arguments: args })
      return command === 'continue' ? { allThreadsContinued: true } : undefined
    }) as PolicyContext['call'],
    emit: (event, body) => void events.push({ event, body } as AnyEvent),
    end: (why) => void ends.push(why),
    events,
    asked,
    ends,
    controller,
    said: () => events.flatMap((each) => (each.event === 'output' ? [each.body.output] : [])).join(''),
    ...more,
  }
}

export function settingsOf(
  mode: Mode,
  more: { [K in keyof PolicySettings]?: Partial<PolicySettings[K]> } = {},
): PolicySettings {
  const settings = defaultSettings(mode)
  return {
    mode,
    time: { ...settings.time, ...more.time },
    limits: { ...settings.limits, ...more.limits },
    redact: { ...settings.redact, ...more.redact },
    breakpoints: { ...settings.breakpoints, ...more.breakpoints },
  }
}

/** A call as a client sends it; any command, also one that does not exist, with any arguments. */
export function callOf<C extends Command>(command: C, args: Arguments<C>, signal?: AbortSignal): AnyCall {
  return {
    command,
    arguments: args,
    signal: signal ?? new AbortController().signal,
    remainingMs: () => Infinity,
  } as AnyCall
}

/** Waits until `holds` is true; fails after 30 s. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 30_000
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A value of the fake program: its text and type as debugpy shows them, and its children by name. */
export interface FakeValue {
  readonly text: string
  readonly type: string
  readonly children?: Readonly<Record<string, FakeValue>>
}

export const str = (text: string): FakeValue => ({ text: `'${text}'`, type: 'str' })
export const num = (value: number): FakeValue => ({ text: String(value), type: 'int' })
export function dict(entries: Readonly<Record<string, FakeValue>>): FakeValue {
  const children = Object.fromEntries(Object.entries(entries).map(([key, value]) => [`'${key}'`, value]))
  const text = `{${Object.entries(children)
    .map(([key, value]) => `${key}: ${value.text}`)
    .join(', ')}}`
  return { text, type: 'dict', children: { ...children, 'len()': num(Object.keys(entries).length) } }
}
export function object(type: string, members: Readonly<Record<string, FakeValue>>): FakeValue {
  const shown = Object.entries(members).map(([name, value]) => `${name}=${value.text}`)
  return { text: `${type}(${shown.join(', ')})`, type, children: members }
}
export function list(...items: readonly FakeValue[]): FakeValue {
  const children = Object.fromEntries(items.map((item, at) => [String(at), item]))
  const text = `[${items.map((item) => item.text).join(', ')}]`
  return { text, type: 'list', children: { ...children, 'len()': num(items.length) } }
}

/** A stopped frame of a fake program: answers `scopes`, `variables` and a free `evaluate`; keeps what it was asked. */
export class FakeFrame {
  readonly asked: AnyCall[] = []
  readonly #values: FakeValue[] = []
  readonly #paths: string[] = []

  constructor(locals: Readonly<Record<string, FakeValue>>) {
    this.#handle({ text: '', type: '', children: locals }, '')
  }

  #handle(value: FakeValue, path: string): number {
    if (value.children === undefined) return 0
    this.#paths.push(path)
    return this.#values.push(value)
  }

  readonly answer = async (call: AnyCall): Promise<unknown> => {
    this.asked.push(call)
    switch (call.command) {
      case 'scopes':
        return { scopes: [{ name: 'Locals', variablesReference: 1, expensive: false }] }
      case 'variables': {
        const at = call.arguments.variablesReference - 1
        const [value, path] = [this.#values[at], this.#paths[at]]
        if (value === undefined) throw new Error('no such reference')
        const variables = Object.entries(value.children ?? {}).map(([name, child]) =>
          this.#show(name, child, value.type, path!),
        )
        return { variables }
      }
      case 'evaluate':
        return { result: 'evaluated in the program', type: 'str', variablesReference: 0 }
      case 'setBreakpoints':
        return {
          breakpoints: call.arguments.breakpoints!.map(({ line }, at) => ({ id: 100 + at, verified: true, line })),
        }
      default:
        return {}
    }
  }

  #show(name: string, { text, type, children }: FakeValue, parent: string, path: string): DebugProtocol.Variable {
    const step = /^['\d]/.test(name) ? `${path}[${name}]` : parent === '' ? name : `${path}.${name}`
    const reference = this.#handle({ text, type, ...(children === undefined ? {} : { children }) }, step)
    return { name, value: text, type, evaluateName: step, variablesReference: reference }
  }
}
