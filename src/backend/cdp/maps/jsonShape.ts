import { MapProblem } from './flatMap.ts'

const QUOTE = 34
const BACKSLASH = 92
const COMMA = 44

/** What JSON.parse may be given. A map of 12 MB has some 30,000 values in 4 levels. */
export const shapeLimits = { values: 4_000_000, depth: 100 }

/**
 * Counts the values of a JSON text before it is parsed: 256 MB of `[[],[],…` would be several GB, and a worker thread
 * that reaches its heap's limit takes the whole process with it, sooner or later (Node 20.20: "Reached heap limit", in
 * spite of resourceLimits). Strings are skipped over by memchr, so it takes 10 ms for a map of 12 MB.
 * @throws MapProblem
 */
export function checkShape(json: Uint8Array, limits = shapeLimits): void {
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength)
  let [values, depth] = [1, 0]
  for (let at = 0; at < text.length; at++) {
    const code = text[at]!
    if (code === QUOTE) at = endOfString(text, at + 1)
    // 91 and 123 open, 93 and 125 close; they differ in nothing else that counts here.
    else if (code === 91 || code === 123) {
      values++
      if (++depth > limits.depth) throw new MapProblem(`is nested more than ${limits.depth} levels deep`)
    } else if (code === 93 || code === 125) depth--
    else if (code === COMMA) values++
  }
  if (values > limits.values) throw new MapProblem(`is too large: it has more than ${limits.values} values`)
}

/** Where the string ends; the end of the text, if it never does. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(QUOTE, start); end >= 0; end = text.indexOf(QUOTE, end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return text.length
}
