/** `*` and `?` match as in ssh and in file names: nothing else is special. No regular expression: it could be made to backtrack. */
export function globMatches(pattern: string, text: string): boolean {
  let [p, t, star, mark] = [0, 0, -1, 0]
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++
      mark = t
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++
      t++
    } else if (star >= 0) {
      p = star + 1
      t = ++mark
    } else return false
  }
  while (pattern[p] === '*') p++
  return p === pattern.length
}

/** A list of patterns as ssh reads it: one of them must match, and none that starts with `!`. */
export function patternListMatches(patterns: readonly string[], text: string): boolean {
  let found = false
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!')
    if (!globMatches(negated ? pattern.slice(1) : pattern, text)) continue
    if (negated) return false
    found = true
  }
  return found
}
