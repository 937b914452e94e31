/** A piece of a log message: as it is written, or an expression to be shown in its place. */
export type LogPart = { readonly text: string } | { readonly expression: string }

const closing: Readonly<Record<string, string>> = { '{': '}', '(': ')', '[': ']' }

/**
 * A DAP log message with `{expression}` parts in a language that writes strings and brackets as JavaScript does. What
 * is in quotes, in brackets or in a comment inside an expression does not end it, so `{f({a: '}'})}` is one part. There
 * is no escape for `{`; a `}` outside is text; `{}` is nothing. Undefined where a `{` is not closed. A regular
 * expression literal is not recognised: one with a quote or a bracket in it ends where it should not.
 */
export function splitLogMessage(message: string): LogPart[] | undefined {
  const parts: LogPart[] = []
  let at = 0
  while (at < message.length) {
    const open = message.indexOf('{', at)
    const text = message.slice(at, open < 0 ? undefined : open)
    if (text !== '') parts.push({ text })
    if (open < 0) break
    const end = closed(message, open)
    if (end === undefined) return undefined
    const expression = message.slice(open + 1, end - 1).trim()
    if (expression !== '') parts.push({ expression })
    at = end
  }
  return parts
}

/** After the bracket that closes the one at `open`. */
function closed(message: string, open: number): number | undefined {
  const expected = [closing[message[open]!]!]
  let at = open + 1
  while (at < message.length) {
    const character = message[at]!
    if (character === expected.at(-1)) {
      expected.pop()
      if (expected.length === 0) return at + 1
      at += 1
    } else if (closing[character] !== undefined) {
      expected.push(closing[character])
      at += 1
    } else {
      const next = skipped(message, at)
      if (next === undefined) return undefined
      at = next
    }
  }
  return undefined
}

/** After the string or comment that begins at `at`, or after the one character that stands there. */
function skipped(message: string, at: number): number | undefined {
  const character = message[at]!
  if (character === '"' || character === "'") return stringEnd(message, at, character)
  if (character === '`') return templateEnd(message, at)
  if (message.startsWith('/*', at)) {
    const end = message.indexOf('*/', at + 2)
    return end < 0 ? undefined : end + 2
  }
  return at + 1
}

function stringEnd(message: string, start: number, quote: string): number | undefined {
  for (let at = start + 1; at < message.length; at += 1) {
    if (message[at] === quote) return at + 1
    if (message[at] === '\\') at += 1
  }
  return undefined
}

function templateEnd(message: string, start: number): number | undefined {
  for (let at = start + 1; at < message.length; at += 1) {
    if (message[at] === '`') return at + 1
    if (message[at] === '\\') at += 1
    if (!message.startsWith('${', at)) continue
    const end = closed(message, at + 1)
    if (end === undefined) return undefined
    at = end - 1
  }
  return undefined
}
