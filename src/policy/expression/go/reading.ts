import type { SyntaxNode, Tree as Parsed } from '@lezer/common'

/** Longest text, in bytes of UTF-8; deepest nesting; most nodes. */
export const limits = { bytes: 4096, depth: 64, nodes: 512 }

export class Refusal extends Error {
  override readonly name = 'Refusal'
}

/** What is being read, and how much of the limits is left. */
export interface Reading {
  readonly text: string
  readonly offset: number
  nodes: number
  /** Of a `+`, each of which may copy a mebibyte of text. */
  sums: number
}

export function refusal(reading: Reading, at: number, what: string): Refusal {
  return new Refusal(`${what} is not allowed in a read-only expression (column ${column(reading, at)}).`)
}

export const column = (reading: Reading, at: number): number => reading.offset + at + 1

export const textOf = (reading: Reading, node: SyntaxNode): string => reading.text.slice(node.from, node.to)

export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) found.push(child)
  return found
}

/** Line ends (where Go puts semicolons), NUL, a byte order mark and the like: what Go's scanner and Lezer read apart. */
export function refuseCharacters(reading: Reading): void {
  // eslint-disable-next-line no-control-regex -- these are the characters that are refused
  const at = reading.text.search(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029\ufeff]|\p{Surrogate}/u)
  if (at < 0) return
  const line = /[\n\r\u2028\u2029]/.test(reading.text[at]!)
  throw refusal(reading, at, line ? 'A line break' : 'A control character')
}

/** Lezer recovers from everything; and what it skips between tokens must be what Go's scanner skips, too. */
export function refuseErrors(reading: Reading, tree: Parsed): void {
  let end = 0
  tree.iterate({
    enter: ({ type, from, to, node }) => {
      if (type.name === 'LineComment' || type.name === 'BlockComment') throw refusal(reading, from, 'A comment')
      if (type.isError) throw new Refusal(`This is not a Go expression (column ${column(reading, from)}).`)
      if (node.firstChild) return true
      if (/[^ \t]/.test(reading.text.slice(end, from))) throw refusal(reading, end, 'Something between the words')
      end = Math.max(end, to)
      return true
    },
  })
  if (end !== reading.text.length) throw refusal(reading, end, 'Something after the expression')
}

const keywords = new Set(
  (
    'break case chan const continue default defer else fallthrough for func go goto if import interface map package ' +
    'range return select struct switch type var'
  ).split(' '),
)

export function identifier(reading: Reading, node: SyntaxNode): string {
  const name = textOf(reading, node)
  if (!/^[\p{L}_][\p{L}\p{Nd}_]*$/u.test(name) || keywords.has(name) || name === '_') {
    throw refusal(reading, node.from, `The name \`${name.slice(0, 40)}\``)
  }
  return name
}
