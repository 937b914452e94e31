import { dapError } from '../../../dap/errors.ts'
import type { Parts } from '../parts.ts'
import { spoilsArguments } from '../quirks.ts'

/** What the program has to do for a call before the called function begins. */
export interface CallNeeds {
  /** A text that is written out among the arguments: the program allocates it. */
  readonly text: boolean
  /** Functions that are called, this one among them. */
  readonly calls: number
}

/** Delve computes these by itself; a type that is not among them looks like a function. */
const byDelve = new Set(
  (
    'len cap real imag complex min max bool string byte rune int int8 int16 int32 int64 uint uint8 uint16 uint32 ' +
    'uint64 uintptr float32 float64 complex64 complex128'
  ).split(' '),
)

const word = /\s*("(?:[^"\\]|\\.)*"|`[^`]*`|'(?:[^'\\]|\\.)+'|[\p{L}_][\p{L}\p{Nd}_]*|\d[\w.]*|.)/suy

/** Of `f(a, "text")`; a key in brackets, a package in quotes and a type in quotes are no texts. */
export function needsOf(expression: string): CallNeeds {
  const words = Array.from(wordsOf(expression.trim()))
  const open: boolean[] = []
  let text = false
  let calls = 0
  for (const [at, one] of words.entries()) {
    const before = words[at - 1] ?? ''
    const next = words[at + 1] ?? ''
    if (one === '(' || one === '[') {
      const isCall = one === '(' && /^[\p{L}_\])]/u.test(before) && !byDelve.has(before) && !isType(words, at)
      if (isCall) calls += 1
      open.push(isCall || (one === '(' && open.at(-1) === true))
    } else if (one === ')' || one === ']') {
      open.pop()
    } else if (/^["`]/.test(one) && open.at(-1) === true && /^[(,+]$/.test(before) && /^[),+]$/.test(next)) {
      text = true
    }
  }
  return { text, calls }
}

function* wordsOf(text: string): Generator<string> {
  word.lastIndex = 0
  for (let found = word.exec(text); found !== null; found = word.exec(text)) yield found[1]!
}

/** `(*main.Row)` and `(*"main.Row")` before a bracket convert. */
function isType(words: readonly string[], at: number): boolean {
  if (words[at - 1] !== ')') return false
  const from = words.lastIndexOf('(', at - 1)
  return words[from + 1] === '*'
}

const collected = [
  'The text in this call is memory of the program that nothing refers to until the call begins: if its garbage',
  'collector runs in that moment, the function is given another text, and the program can die of it (seen with Delve',
  '1.27.2). In a program that collects all the time, call with a variable instead.',
].join(' ')

/** Which calls a Delve can make. */
export class Calls {
  readonly #parts: Pick<Parts, 'program' | 'note'>
  #isTold = false

  constructor(parts: Pick<Parts, 'program' | 'note'>) {
    this.#parts = parts
  }

  /** Refuses what this Delve is known to spoil, and says what no Delve does well. */
  check(expression: string): void {
    const { text, calls } = needsOf(expression)
    const { version } = this.#parts.program.facts
    if (spoilsArguments(version) && (text || calls > 1)) {
      const what = text ? 'a text is written in the call' : 'one call is within another'
      const why = `Delve ${version} loses the arguments where ${what}, and often the program with them (1.22 does not).`
      throw dapError('notAnswered', { why: `${why} Set a variable to it first, and call with that.` })
    }
    if (!text || this.#isTold) return
    this.#isTold = true
    this.#parts.note(collected)
  }
}
