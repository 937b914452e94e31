import type { DebugProtocol } from '@vscode/debugprotocol'
import { withArguments, type AnyCall, type Body, type Call } from '../dap/call.ts'
import { dapError } from '../dap/errors.ts'
import { BreakpointLimits, isSetter } from './breakpointLimits.ts'
import { OutputLimit } from './outputLimit.ts'
import type { Next, Policy, PolicyContext } from './policy.ts'
import { exceeds, fitting, textFitting } from './replySize.ts'
import type { LimitSettings, PolicySettings } from './settings.ts'

/** The frame that says that there are more; no debugger gives out this id. */
const cutFrameId = 2 ** 31 - 1
/** References whose depth is remembered; the oldest goes first and then counts as a new beginning. */
const depthsMax = 200_000

/** Bounds everything that a program or a client can make grow; what is cut says so where the user sees it. */
export function limits(context: PolicyContext, settings: PolicySettings): Policy {
  const limit = settings.limits
  const depths = new Depths(limit.depth)
  const output = new OutputLimit(context, limit.outputPerSecond)
  const breakpoints = new BreakpointLimits(context, settings)

  async function request(call: AnyCall, next: Next): Promise<unknown> {
    if (isSetter(call)) return breakpoints.set(call, next)
    switch (call.command) {
      case 'stackTrace':
        return stackTrace(call, next, limit)
      case 'scopes': {
        if (call.arguments.frameId === cutFrameId) return { scopes: [] }
        const body = (await next(call)) as Body<'scopes'>
        for (const scope of body.scopes) depths.set(scope.variablesReference, 0)
        return body
      }
      case 'variables':
        return variables(call, (await next(call)) as Body<'variables'>, limit, depths)
      case 'evaluate':
      case 'setVariable':
      case 'setExpression':
        return cutResult((await next(call)) as Record<string, unknown>, limit)
      case 'source': {
        const body = (await next(call)) as Body<'source'>
        if (!exceeds(body.content, limit.replyBytes)) return body
        return {
          ...body,
          content: `${textFitting(body.content, limit.replyBytes)}\n${cutNote('bytes', limit.replyBytes)}`,
        }
      }
      default:
        return within(call, await next(call))
    }
  }

  /** Lists that no client pages through: a part of them would be taken for the whole. */
  function within(call: AnyCall, body: unknown): unknown {
    if (!exceeds(body, limit.replyBytes)) return body
    const why = `the answer to '${call.command}' is larger than ${limit.replyBytes} bytes`
    throw dapError('overLimit', { rule: 'replyBytes', target: context.target, why })
  }

  return {
    name: 'limits',
    request,
    event(event) {
      switch (event.event) {
        case 'output':
          if (!output.passes(event.body)) return undefined
          return { event: 'output', body: cutOutput(event.body, limit) }
        case 'exited':
        case 'terminated':
          output.flush()
          return event
        case 'stopped':
        case 'breakpoint':
          return breakpoints.event(event)
        default:
          return event
      }
    },
    async [Symbol.asyncDispose]() {
      output.flush()
      output.release()
      breakpoints.release()
    },
  }
}

function cutNote(what: string, limit: number): string {
  return `… (cut: limit of ${limit} ${what})`
}

async function stackTrace(call: Call<'stackTrace'>, next: Next, limit: LimitSettings): Promise<Body<'stackTrace'>> {
  const { startFrame: start = 0, levels = 0 } = call.arguments
  const room = Math.max(0, limit.frames - start)
  // One more than there is room for tells whether there are more.
  const wanted = levels > 0 ? Math.min(levels, room + 1) : room + 1
  const asked = withArguments(call, { ...call.arguments, startFrame: start, levels: wanted })
  const body = (await next(asked as AnyCall)) as Body<'stackTrace'>
  const { totalFrames = start + body.stackFrames.length } = body
  const frames = body.stackFrames.slice(0, Math.min(room, levels > 0 ? levels : Infinity))
  const count = fitting(frames, limit.replyBytes)
  if (count === frames.length && totalFrames <= limit.frames) return { ...body, stackFrames: frames }
  const shown = Math.min(limit.frames, count < frames.length ? start + count : Infinity)
  const atEnd = count < frames.length || (start + count >= shown && (levels === 0 || count < levels))
  const rule = count < frames.length ? `${limit.replyBytes} bytes` : `${limit.frames} frames`
  if (start > shown) return { ...body, stackFrames: [], totalFrames: shown + 1 }
  const label: DebugProtocol.StackFrame = {
    id: cutFrameId,
    name: `…${body.totalFrames === undefined ? '' : ` ${totalFrames - shown}`} more frames are not shown: limit of ${rule}`,
    line: 0,
    column: 0,
    presentationHint: 'label',
  }
  return { ...body, stackFrames: [...frames.slice(0, count), ...(atEnd ? [label] : [])], totalFrames: shown + 1 }
}

function variables(
  call: Call<'variables'>,
  body: Body<'variables'>,
  limit: LimitSettings,
  depths: Depths,
): Body<'variables'> {
  const all = body.variables
  const depth = depths.of(call.arguments.variablesReference) + 1
  let kept = all.length > limit.children ? all.slice(0, limit.children) : all
  let rule = `${limit.children} children`
  kept = kept.map((variable) => depths.note(cutValue(variable, limit), depth))
  if (mayExceed(kept, limit.replyBytes)) {
    const count = fitting(kept, limit.replyBytes)
    if (count < kept.length) rule = `${limit.replyBytes} bytes`
    kept = kept.slice(0, count)
  }
  if (kept.length === all.length) return { ...body, variables: kept }
  const value = `${all.length - kept.length} more are not shown: limit of ${rule}`
  return {
    ...body,
    variables: [...kept, { name: '…', value, variablesReference: 0, presentationHint: { attributes: ['readOnly'] } }],
  }
}

/** A quick upper bound: no character takes more than 6 bytes as JSON, and the other fields of a variable are small. */
function mayExceed(variables: readonly DebugProtocol.Variable[], limit: number): boolean {
  let bytes = 0
  for (const { name, value, type = '', evaluateName = '' } of variables) {
    bytes += 1_024 + 6 * (name.length + value.length + type.length + evaluateName.length)
  }
  return bytes > limit
}

function cutText(text: string, limit: number): string {
  if (text.length <= limit) return text
  // Not in the middle of a surrogate pair: half of one is no text.
  const end = /[\uD800-\uDBFF]/.test(text[limit - 1] ?? '') ? limit - 1 : limit
  return `${text.slice(0, end)}${cutNote('characters', limit)}`
}

function cutValue(variable: DebugProtocol.Variable, { stringLength }: LimitSettings): DebugProtocol.Variable {
  const { name, value } = variable
  if (value.length <= stringLength && name.length <= stringLength) return variable
  return { ...variable, name: cutText(name, stringLength), value: cutText(value, stringLength) }
}

/** The result of an evaluation; the clipboard is a client's way to ask for a long text as a whole. */
function cutResult(body: Record<string, unknown>, limit: LimitSettings): unknown {
  const key = 'result' in body ? 'result' : 'value'
  const text = body[key]
  if (typeof text !== 'string' || text.length <= limit.stringLength) return body
  return { ...body, [key]: cutText(text, limit.stringLength) }
}

function cutOutput(body: DebugProtocol.OutputEvent['body'], limit: LimitSettings): DebugProtocol.OutputEvent['body'] {
  if (!exceeds(body.output, limit.replyBytes)) return body
  return { ...body, output: `${textFitting(body.output, limit.replyBytes)}${cutNote('bytes', limit.replyBytes)}\n` }
}

/** How far below its scope a reference is. */
class Depths {
  readonly #max: number
  readonly #depths = new Map<number, number>()

  constructor(max: number) {
    this.#max = max
  }

  /** What no scope led to (the result of an evaluation) is a new beginning. */
  of(reference: number): number {
    return this.#depths.get(reference) ?? 0
  }

  set(reference: number, depth: number): void {
    if (reference <= 0) return
    this.#depths.set(reference, depth)
    if (this.#depths.size > depthsMax) this.#depths.delete(this.#depths.keys().next().value!)
  }

  note(variable: DebugProtocol.Variable, depth: number): DebugProtocol.Variable {
    if (variable.variablesReference <= 0) return variable
    if (depth >= this.#max) {
      const value = `${variable.value} (not expandable: limit of ${this.#max} levels)`
      return { ...variable, value, variablesReference: 0 }
    }
    this.set(variable.variablesReference, depth)
    return variable
  }
}
