import type { SecretNames } from './redactNames.ts'
import type { Span } from './redactShapes.ts'

/** What stands in the place of what is hidden. */
export const hidden = '•••'

/** `name=value`, `"name": value`, `name => value`: one look for all of them; where the value ends is for `valueEnd`. */
const assignment =
  /(?<![\p{L}\p{N}_$.-])[.-]*([\p{L}\p{N}_$][\p{L}\p{N}_$.-]*(?: [\p{L}_$][\w$-]{0,63})?)((?:\\{0,8}["'`])?\]?\s{0,8}(?:=>|:=|->|[:=](?!=))\s{0,8})/gu
/** `--password x` of a command line, also as a list: `'--password', 'x'`. */
const option = /(?<![\w-])--?([A-Za-z][\w-]{0,63})(["']?\s{0,4},?\s{1,4}(?=\S))/g
/** A pair whose first part is a quoted name: ASGI's `(b'cookie', b'…')`, a list of headers; also over several lines. */
const pair = /[([{]\s{0,24}b?["']([\w.-]{1,128})["']\s{0,4},\s{0,24}(?=[bu]?["'])/g

/** Headers whose value goes to the end of the line, blanks and all. */
const wholeLine = /(?:authorization|cookie)$/i

/** The values in `text` that stand behind a secret name. Unsorted, may overlap. */
export function namedSpans(text: string, names: SecretNames): Span[] {
  if (!names.hint.test(text)) return []
  const spans: Span[] = []
  let covered = 0
  const add = (start: number, end: number): void => {
    if (end > start) spans.push({ start, end, rule: 'name' })
    covered = end
  }
  for (const match of text.matchAll(assignment)) {
    // What is within a hidden value is hidden: to look for its own end would be quadratic in a nested one.
    const name = match.index < covered ? undefined : secretPart(match[1]!, names)
    if (name === undefined) continue
    const start = match.index + match[0].length
    add(start, valueEnd(text, start, wholeLine.test(name)))
  }
  covered = 0
  for (const match of text.matchAll(option)) {
    if (match.index < covered || !names.has(match[1]!)) continue
    const start = match.index + match[0].length
    if (text.startsWith('-', start)) continue
    add(start, valueEnd(text, start, false))
  }
  covered = 0
  for (const match of text.matchAll(pair)) {
    if (match.index < covered || !names.has(match[1]!)) continue
    const start = match.index + match[0].length
    const end = valueEnd(text, start, false)
    // A list of column names goes on; a pair is closed, or cut.
    if (end >= text.length || /^\s*[)\]}]/.test(text.slice(end, end + 25))) add(start, end)
  }
  return spans
}

/** `user password` is looked at as a whole and as its last word: the first may be prose. */
function secretPart(name: string, names: SecretNames): string | undefined {
  if (names.has(name)) return name
  const last = name.slice(name.lastIndexOf(' ') + 1)
  return last !== name && names.has(last) ? last : undefined
}

/** Does `text` end in the midst of `name = `? Then what comes next is its value. */
export function awaitsValue(text: string, names: SecretNames): boolean {
  const match = /([\p{L}\p{N}_$][\p{L}\p{N}_$.-]{0,127})["'`]?\]?\s{0,8}(?:=>|:=|->|[:=])\s{0,8}$/u.exec(
    text.slice(-256),
  )
  return match !== null && names.has(match[1]!)
}

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}', '<': '>' }

/** Go's pointers: `*"…"`, `&{…}`. */
const pointers = /[*&]{1,8}(?=[\p{L}\p{N}_"'`([{])/uy

/**
 * Where the value that begins at `start` ends: a quoted string with its prefix, a bracketed value, or a word. What is
 * not closed (a debugger cut it) ends with the text. What follows a bracket without a blank belongs to it, as in Go's
 * `[]uint8[1,2]`, `map[string]interface {}["a": 1]` and `(*main.Row)(0xc000012345)`.
 */
export function valueEnd(text: string, start: number, line: boolean): number {
  if (line) return partEnd(text, start, true)
  let at = start
  for (;;) {
    pointers.lastIndex = at
    at += pointers.exec(text)?.[0].length ?? 0
    const end = partEnd(text, at, false)
    const isBracket = /[)\]}>]/.test(text[end - 1] ?? '') && /[([{<]/.test(text.slice(at, end))
    const isType = /(?:^|[\])*])(?:interface|struct)$/.test(text.slice(Math.max(at, end - 10), end))
    if (isBracket && /^[\p{L}*&[({"]/u.test(text.slice(end, end + 2))) at = end
    else if (isType && text.startsWith(' {', end)) at = end + 1
    else return end
  }
}

function partEnd(text: string, start: number, line: boolean): number {
  const literal = /^[bBrRuUfF]{0,2}(?=\\{0,8}["'`])/.exec(text.slice(start, start + 12))
  let at = start + (literal?.[0].length ?? 0)
  const first = text[at] ?? ''
  if (literal !== null) return stringEnd(text, at)
  // `SecretStr('…')`, `Password(value=…)`: a word and its brackets.
  const call = /^[\p{L}_$][\p{L}\p{N}_$.]{0,127}(?=[([{<])/u.exec(text.slice(at, at + 130))
  if (call !== null && !line) at += call[0].length
  if (!line && (closing[first] !== undefined || call !== null)) return bracketEnd(text, at)
  const end = line ? lineEnd : wordEnd
  end.lastIndex = at
  return end.exec(text)?.index ?? text.length
}

/** The end of a word; `\n` may be written out, in the middle of a quoted text. */
const wordEnd = /[\s,;&)}\]'"]|\\[nr"']/g
/** The end of a line, or of the quoted text that the line is in. */
const lineEnd = /[\r\n]|\\[nr]|\\{0,8}['"](?=\s*(?:[,)}\]:]|$))/g

/** After the closing quote of the string whose opening quote is at `at`, which may be escaped or tripled. */
function stringEnd(text: string, at: number): number {
  const quote = /^(?:\\{1,8}["'`]|"""|'''|["'`])/.exec(text.slice(at, at + 9))![0]
  for (let i = at + quote.length; i < text.length; i++) {
    if (text.startsWith(quote, i)) return i + quote.length
    if (text[i] === '\\') i++
  }
  return text.length
}

/** After the bracket that closes the one at `at`; strings in it are skipped whole. */
function bracketEnd(text: string, at: number): number {
  const open: string[] = []
  for (let i = at; i < text.length; i++) {
    const character = text[i]!
    if (character === open.at(-1)) {
      open.pop()
      if (open.length === 0) return i + 1
    } else if (closing[character] !== undefined) open.push(closing[character])
    else if (character === '"' || character === "'") i = stringEnd(text, i) - 1
  }
  return text.length
}

/** Sorted, and those that touch made one. */
export function merge(spans: readonly Span[]): Span[] {
  const merged: Span[] = []
  for (const span of spans.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = merged.at(-1)
    if (last !== undefined && span.start <= last.end) {
      if (span.end > last.end) merged[merged.length - 1] = { ...last, end: span.end }
    } else merged.push(span)
  }
  return merged
}

/** The text with `hidden` in the place of each span. */
export function replace(text: string, spans: readonly Span[]): string {
  let result = ''
  let from = 0
  for (const span of spans) {
    result += text.slice(from, span.start) + hidden
    from = span.end
  }
  return result + text.slice(from)
}
