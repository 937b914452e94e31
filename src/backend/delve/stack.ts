import type { DebugProtocol } from '@vscode/debugprotocol'
import type { Body, Call } from '../../dap/call.ts'
import { dapError } from '../../dap/errors.ts'
import { present } from '../../lib/present.ts'
import type { Code } from './code.ts'
import { functionName, isRuntime } from './names.ts'
import type { Frame, Parts, Stop } from './parts.ts'
import { aheadFrames } from './quirks.ts'
import { stackRead } from './reads.ts'
import type { ThreadIds } from './threadIds.ts'
import { hex, type Stackframe } from './wire.ts'

/** Of a client that asks for all frames: Go's stacks grow to a gigabyte before the runtime ends a recursion. */
const allMax = 1_000
/** Delve does not say how many there are before it has walked them all; so a client asks on (as `dlv dap` does it). */
const moreGuessed = 50

interface Stack {
  /** By index. */
  readonly frames: Frame[]
  /** Known once the bottom was seen. */
  total: number | undefined
}

/** The stacks of one stop, by goroutine. */
export class Stacks {
  readonly #parts: Parts
  readonly #ids: ThreadIds
  readonly #code: Code
  #stop: Stop | undefined
  #stacks = new Map<number, Stack>()
  #frames = new Map<number, Frame>()

  constructor(parts: Parts, ids: ThreadIds, code: Code) {
    this.#parts = parts
    this.#ids = ids
    this.#code = code
  }

  /** Undefined for a frame of a stop that is over. */
  frame(id: number): Frame | undefined {
    const frame = this.#frames.get(id)
    return frame?.stop.isOver === false ? frame : undefined
  }

  async stackTrace({ arguments: args, signal }: Call<'stackTrace'>): Promise<Body<'stackTrace'>> {
    const { stop } = this.#parts.program
    if (stop === undefined) throw dapError('notStopped', {})
    const goroutine = this.#ids.toGoroutine(args.threadId)
    const start = Math.max(0, args.startFrame ?? 0)
    const end = args.levels !== undefined && args.levels > 0 ? start + args.levels : allMax
    const stack = this.#stackOf(stop, goroutine)
    await this.#read(stack, stop, goroutine, start, end, signal)
    const frames = stack.frames.slice(start, end)
    return {
      stackFrames: frames.map((frame) => this.#shown(frame, stack)),
      totalFrames: stack.total ?? Math.max(stack.frames.length, start + frames.length) + moreGuessed,
    }
  }

  #stackOf(stop: Stop, goroutine: number): Stack {
    if (this.#stop !== stop) {
      this.#stop = stop
      this.#stacks = new Map()
      this.#frames = new Map()
    }
    let stack = this.#stacks.get(goroutine)
    if (stack === undefined) this.#stacks.set(goroutine, (stack = { frames: [], total: undefined }))
    return stack
  }

  /** The first page is the one that was written ahead, whatever is asked for. */
  async #read(stack: Stack, stop: Stop, goroutine: number, start: number, end: number, signal: AbortSignal) {
    if (start < aheadFrames) await this.#page(stack, stop, goroutine, 0, aheadFrames, signal)
    const from = Math.max(start, aheadFrames)
    const isMissing = (index: number): boolean => stack.frames[index] === undefined
    if (end <= from || (stack.total !== undefined && stack.total <= from)) return
    if (isMissing(from) || isMissing(Math.min(end, stack.total ?? end) - 1)) {
      await this.#page(stack, stop, goroutine, from, end - from, signal)
    }
  }

  async #page(stack: Stack, stop: Stop, goroutine: number, skip: number, count: number, signal: AbortSignal) {
    const { Locations } = await stop.read(...stackRead(goroutine, skip, count), signal)
    const locations = Locations ?? []
    // Of two that asked for the same, the second finds it here.
    for (const [at, location] of locations.entries()) {
      if (stack.frames[skip + at] !== undefined) continue
      const frame: Frame = { id: this.#parts.nextId(), stop, goroutine, index: skip + at, location }
      stack.frames[skip + at] = frame
      this.#frames.set(frame.id, frame)
    }
    const isWhole = locations.length < count || locations.at(-1)?.Bottom === true
    if (isWhole && (locations.length > 0 || skip === 0)) stack.total = skip + locations.length
    else if (isWhole) stack.total ??= Math.min(skip, stack.frames.length)
  }

  #shown({ id, location }: Frame, stack: Stack): DebugProtocol.StackFrame {
    const { pc, file, line, Err, function: fn } = location
    const source = this.#code.source(file)
    const isBad = Err !== undefined && Err !== ''
    const hint = hintOf(fn, stack)
    return present({
      id,
      name: isBad ? `${functionName(fn)} (unreadable: ${Err})` : functionName(fn),
      // VS Code shows what was thrown at the first frame whose source is not like this, and nowhere else.
      source: hint === 'subtle' && source !== undefined ? { ...source, presentationHint: 'deemphasize' } : source,
      line: source === undefined ? 0 : this.#parts.positions.toClientLine(line),
      column: source === undefined ? 0 : this.#parts.positions.firstColumn,
      instructionPointerReference: hex(pc),
      presentationHint: hint,
    })
  }
}

/** Frames of the runtime are in the background; in a goroutine of its own they are what it does. */
function hintOf(fn: Stackframe['function'], { frames }: Stack): 'subtle' | 'normal' | undefined {
  if (!isRuntime(fn)) return undefined
  return frames.some(isOwn) ? 'subtle' : 'normal'
}

function isOwn(frame: { readonly location: Stackframe } | undefined): boolean {
  return frame !== undefined && !isRuntime(frame.location.function)
}
