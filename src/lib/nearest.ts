/** Steps (insert, delete, replace, swap neighbours) from one word to the other. Words here are short. */
function distance(from: string, to: string): number {
  let before: number[] = []
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let steps = Math.min(above[column]! + 1, current[column - 1]! + 1, above[column - 1]! + (same ? 0 : 1))
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (swapped) steps = Math.min(steps, before[column - 2]! + 1)
      current.push(steps)
    }
    before = above
    above = current
  }
  return above[to.length]!
}

/**
 * The word among `known` that was probably meant, or undefined when none is near: at most a third of the letters may
 * differ, case, `-` and `_` not counted.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  const plain = (text: string): string => text.slice(0, 64).toLowerCase().replace(/[-_]/g, '')
  let best: string | undefined
  let bestSteps = Infinity
  for (const candidate of known) {
    const steps = distance(plain(word), plain(candidate))
    if (steps < bestSteps && steps <= Math.max(1, Math.floor(candidate.length / 3))) {
      best = candidate
      bestSteps = steps
    }
  }
  return best
}

/** `Did you mean 'x'?`, or what is there to choose from. `noun` is a plural: `targets`. */
export function didYouMean(word: string, known: readonly string[], noun: string): string {
  const near = nearest(word, known)
  if (near !== undefined) return `Did you mean '${near}'?`
  if (known.length === 0) return `There are no ${noun}.`
  const shown = known.slice(0, 12).join(', ')
  return `Known ${noun}: ${shown}${known.length > 12 ? `, and ${known.length - 12} more` : ''}.`
}
