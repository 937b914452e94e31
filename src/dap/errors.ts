import type { DebugProtocol } from '@vscode/debugprotocol'

/**
 * Every error a client can get from us: a stable numeric id, the whole sentence with `{variables}`, and whether the
 * editor should pop it up. Ids are never reused. 1xxx the protocol, 2xxx the session, 3xxx the way to the program,
 * 4xxx the debugger, 5xxx policy.
 */
const table = {
  unknownCommand: { id: 1001, text: "Breakwater does not know the request '{command}'." },
  unsupported: { id: 1002, text: "The {backend} backend cannot do '{command}'{why}." },
  badArguments: { id: 1003, text: "The request '{command}' has wrong arguments: {problem}." },
  cancelled: { id: 1004, text: 'cancelled' },
  wrongState: { id: 1005, text: "'{command}' is not possible now: {why}." },
  notStopped: { id: 1006, text: 'notStopped', shown: 'The program runs. Pause it, or wait until it stops.' },
  tooManyRequests: { id: 1007, text: 'Too many requests are waiting ({limit}); this one was not taken.' },
  headerTooLong: { id: 1008, text: 'The message header is over {limit} bytes; the connection is closed.' },
  bodyTooLong: {
    id: 1009,
    text: 'The message body of {length} bytes is over the limit of {limit}; the connection is closed.',
  },
  badHeader: { id: 1010, text: 'This is not the Debug Adapter Protocol: {problem}. The connection is closed.' },
  badMessage: { id: 1011, text: 'A message was not understood: {problem}. The connection is closed.' },
  connectionClosed: { id: 1012, text: 'The connection to {peer} is closed{why}.' },
  internal: {
    id: 1013,
    text: 'An internal error of Breakwater; its log has the details under {errorId}.',
    showUser: true,
  },

  unknownTarget: { id: 2001, text: "There is no target '{target}'. {advice}", showUser: true },
  adHocRefused: {
    id: 2002,
    text: 'This daemon serves only the targets of its configuration: {targets}.',
    showUser: true,
  },
  badToken: {
    id: 2003,
    text: 'The token is missing or wrong. Put the right one into the attach arguments as "token".',
    showUser: true,
  },
  sessionEnded: { id: 2004, text: 'The session has ended: {why}.' },
  draining: { id: 2005, text: 'The daemon is shutting down and takes no new sessions.', showUser: true },
  launchRefused: {
    id: 2006,
    text: 'Breakwater attaches to running programs and starts none: use "request": "attach" with a "target".',
    showUser: true,
  },
  staleHandle: { id: 2007, text: 'This {kind} is no longer valid: the program has run since it was read.' },
  modeNotAvailable: {
    id: 2008,
    text: "Target '{target}' has the mode '{mode}', which this version does not offer yet. Use 'inspect' or 'control'.",
    showUser: true,
  },

  hopFailed: { id: 3001, text: '{problem}{at}. {advice}', showUser: true },
  hopLost: { id: 3002, text: 'The connection was lost{at}: {problem}.', showUser: true },

  alreadyDebugged: {
    id: 4001,
    text: '{program} is already being debugged by another client. End that session first (`breakwater sessions` shows those of this daemon and ends them), then attach again.',
    showUser: true,
  },
  notThisDebugger: { id: 4002, text: '{where} does not speak {protocol}: {problem}. {advice}', showUser: true },
  debuggerFailed: { id: 4003, text: '{message}' },
  debuggerGone: { id: 4004, text: 'The debugger is gone: {why}.' },
  programEnded: { id: 4005, text: 'The program has ended.' },

  refused: { id: 5001, text: "Refused by the rule '{rule}' of target '{target}': {why}. {advice}", showUser: true },
  requestTimeout: { id: 5002, text: "'{command}' took longer than {limitMs} ms and was given up ({stage}). {advice}" },
  tooManySessions: {
    id: 5003,
    text: "Target '{target}' has {limit} sessions already, its limit. See 'breakwater sessions'.",
    showUser: true,
  },
  auditFailed: { id: 5004, text: 'The audit cannot be written, so no session may run: {problem}.', showUser: true },
  overLimit: { id: 5005, text: "Over the limit '{rule}' of target '{target}': {why}.", showUser: true },
  notAnswered: { id: 5006, text: '{why}' },
} as const satisfies Record<string, { id: number; text: string; shown?: string; showUser?: boolean }>

export type ErrorCode = keyof typeof table

type Variables<T extends string> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Variables<Rest> : never
export type ErrorVariables<C extends ErrorCode> = {
  readonly [K in Variables<(typeof table)[C]['text']>]: string | number
}

/** An error that is meant for the client. Anything else that is thrown is a bug and is shown only by its id. */
export class DapError extends Error {
  readonly code: ErrorCode
  readonly id: number
  readonly showUser: boolean

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DapError'
    this.code = code
    const entry: { id: number; showUser?: boolean } = table[code]
    this.id = entry.id
    this.showUser = entry.showUser ?? false
  }
}

/** The error of that code, its sentence filled in. */
export function dapError<C extends ErrorCode>(code: C, variables: ErrorVariables<C>, options?: ErrorOptions): DapError {
  const values = variables as Record<string, string | number>
  const text = table[code].text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name])).trimEnd()
  return new DapError(code, text, options)
}

/**
 * The body of a failed response. Four clients show only `message`, the others only `format`, so both are the same whole
 * sentence (notes/clients.md); braces would be taken for variables by VS Code and for `str.format` by vimspector. A word
 * that DAP gives a meaning to as a `message` is `shown` as a sentence.
 */
export function errorBody(error: DapError): DebugProtocol.ErrorResponse['body'] {
  const { shown = error.message }: { id: number; shown?: string } = table[error.code]
  return {
    error: { id: error.id, format: shown.replaceAll('{', '(').replaceAll('}', ')'), showUser: error.showUser },
  }
}
