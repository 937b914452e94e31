/** One thing that is wrong with a configuration, and where. Lines and columns count from 1. */
export interface Problem {
  readonly message: string
  /** What to do about it. */
  readonly advice?: string
  readonly place?: Place
}

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  /** The line itself, and how many of its characters are meant; left out where it would show a secret. */
  readonly source?: string
  readonly length: number
}

const shownProblems = 20
const shownWidth = 160

/** A configuration that can't be used. `message` is for people and says everything; `problems` is for programs. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[]
  /** The file may not be read: told apart because the exit code is another (77). */
  readonly denied: boolean

  constructor(problems: readonly Problem[], denied = false) {
    const shown = problems.slice(0, shownProblems).map(renderProblem)
    const left = problems.length - shown.length
    if (left > 0) shown.push(`… and ${left} more`)
    super(shown.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
    this.denied = denied
  }
}

/** `file:line:column: message`, the line with a caret below it, and the advice. */
export function renderProblem(problem: Problem): string {
  const { place } = problem
  const lines: string[] = []
  if (place === undefined) lines.push(problem.message)
  else {
    lines.push(`${place.file}:${place.line}:${place.column}: ${problem.message}`)
    if (place.source !== undefined) lines.push(...caret(place.source, place.column, place.length))
  }
  if (problem.advice !== undefined) lines.push(`  ${problem.advice}`)
  return lines.join('\n')
}

function caret(source: string, column: number, length: number): string[] {
  // A long line is cut around the place, so that the caret stays in sight.
  const start = column > shownWidth - 40 ? column - 40 : 0
  const shown = source.slice(start, start + shownWidth).replaceAll('\t', ' ')
  const marks = Math.max(1, Math.min(length, shown.length - (column - 1 - start)))
  return [`    ${shown}`, `    ${' '.repeat(column - 1 - start)}${'^'.repeat(marks)}`]
}
