import { isNumber, parseRune, parseString, smallInteger } from './literal.ts'
import { Cursor, limits, notGo, refusal, Refusal, type Token } from './scan.ts'
import type { Tree } from './tree.ts'
import { basicTypes, conversionType, parenthesizedType, quotedType, readType } from './types.ts'

type Result = { readonly ok: true; readonly tree: Tree } | { readonly ok: false; readonly reason: string }

/** Most `+` in an expression, and most arguments of `min` and `max`: for each, Delve may copy a mebibyte of text. */
const mostSums = 16
/** Delve computes `1 << n` whatever n is: with 1 << 40 it asks for 128 GiB, and its end is the program's. */
const longestShift = 127

/**
 * Is this text only a look? A parser of our own, of no more than is accepted: whatever else there is or will be in Go
 * is no expression to it. (`@lezer/go` 1.0.1 reads `*a.b` as `(*a).b` and `a + b.c` as `(a + b).c`.) What is evaluated
 * is not this text but one that is written anew from the tree (write.ts).
 */
export function check(text: string): Result {
  try {
    return { ok: true, tree: new Parser(text).whole() }
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message }
    throw error
  }
}

const places = new Set<Tree['kind']>(
  'name global frame select index slice dereference address assertion conversion'.split(' ') as Tree['kind'][],
)

const precedences: Readonly<Record<string, number>> = Object.fromEntries(
  ['||', '&&', '== != < <= > >=', '+ - | ^', '* / % << >> & &^'].flatMap((signs, index) =>
    signs.split(' ').map((sign) => [sign, index + 1]),
  ),
)

/** Delve's own, of which it knows before it looks for a function of the program; with how many arguments. */
const intrinsics: Readonly<Record<string, readonly [least: number, most: number]>> = {
  len: [1, 1],
  cap: [1, 1],
  real: [1, 1],
  imag: [1, 1],
  min: [1, mostSums],
  max: [1, mostSums],
}

class Parser {
  readonly #cursor: Cursor
  #nodes = 0
  #sums = 0

  constructor(text: string) {
    this.#cursor = new Cursor(text)
  }

  whole(): Tree {
    const cursor = this.#cursor
    if (cursor.token.kind === 'end') throw new Refusal('There is no expression.')
    const word = /^[ \t]*(call|dlv)[ \t]+[\p{L}\p{Nd}_"'(*&[\x60.-]/u.exec(cursor.text)?.[1]
    if (word !== undefined) throw refusal(cursor.token.at, `Delve's command \`${word}\``)
    const tree = this.#expression(1)
    const rest: Token = cursor.token
    if (/^(?:name|number|string|rune)$/.test(rest.kind)) throw refusal(rest.at, 'More than one expression')
    if (rest.kind !== 'end') throw cursor.unexpected()
    return known(tree)
  }

  /** `least` is the lowest precedence that is taken in. */
  #expression(depth: number, least = 1): Tree {
    let left = this.#unary(depth)
    for (;;) {
      const { kind, text, at } = this.#cursor.token
      const precedence = kind === 'sign' && Object.hasOwn(precedences, text) ? precedences[text]! : 0
      if (precedence < least) return left
      this.#cursor.next()
      left = this.#binary(text, at, left, this.#expression(depth + 1, precedence + 1))
    }
  }

  #node<T extends Tree>(tree: T): T {
    this.#nodes += 1
    if (this.#nodes > limits.nodes) throw refusal(tree.at - 1, `An expression of more than ${limits.nodes} parts`)
    return tree
  }

  #binary(operator: string, signAt: number, left: Tree, right: Tree): Tree {
    if (operator === '+' && (this.#sums += 1) > mostSums) throw refusal(signAt, `A sum of more than ${mostSums} parts`)
    const shifted = operator === '<<' || operator === '>>'
    const isSmall = right.kind === 'number' && (smallInteger(right.text) ?? Infinity) <= longestShift
    if (shifted && !isSmall) throw refusal(right.at - 1, `A shift by anything but a number up to ${longestShift}`)
    const at = left.at
    const equality = operator === '==' || operator === '!='
    if (equality && right.kind === 'nil') return this.#node({ kind: 'binary', at, operator, left: place(left), right })
    if (equality && left.kind === 'nil') return this.#node({ kind: 'binary', at, operator, left, right: place(right) })
    return this.#node({ kind: 'binary', at, operator, left: known(left), right: known(right) })
  }

  #unary(depth: number): Tree {
    const cursor = this.#cursor
    const { kind, text, at } = cursor.token
    if (depth > limits.depth) throw refusal(at, `Nesting deeper than ${limits.depth}`)
    if (kind !== 'sign' || !/^[-+!^*&]$/.test(text)) return this.#postfix(depth)
    cursor.next()
    const operand = this.#unary(depth + 1)
    if (text === '*' || text === '&') {
      const kind = text === '*' ? 'dereference' : 'address'
      return this.#node({ kind, at: at + 1, object: place(operand) })
    }
    return this.#node({ kind: 'unary', at: at + 1, operator: text, operand: known(operand) })
  }

  #postfix(depth: number): Tree {
    let tree = this.#primary(depth)
    for (let inside = depth + 1; ; inside += 1) {
      const { token } = this.#cursor
      if (token.kind !== 'sign' || !'.[(:{'.includes(token.text)) return tree
      if (inside > limits.depth) throw refusal(token.at, `Nesting deeper than ${limits.depth}`)
      if (token.text === '.') tree = this.#selected(tree)
      else if (token.text === '[') tree = this.#indexed(tree, inside)
      else if (token.text === '(') throw refusal(token.at, 'A call')
      else return tree
    }
  }

  #selected(object: Tree): Tree {
    const cursor = this.#cursor
    cursor.expect('.')
    if (cursor.take('(')) {
      const type = readType(cursor)
      cursor.expect(')')
      return this.#node({ kind: 'assertion', at: object.at, object: place(object), type })
    }
    const at = cursor.token.at + 1
    const name = cursor.name()
    if (cursor.at('(')) {
      const called = cursor.text.slice(object.at - 1, at - 1 + name.length).slice(0, 60)
      throw refusal(object.at - 1, `The call of \`${called}\` (a conversion has the type in quotes)`)
    }
    if (object.kind !== 'string') return this.#node({ kind: 'select', at, object: place(object), name })
    if (!/^[\p{L}\p{Nd}_./~@+-]+$/u.test(object.value)) throw refusal(object.at - 1, 'This package path')
    return this.#node({ kind: 'global', at, path: object.text, name })
  }

  #indexed(object: Tree, depth: number): Tree {
    const cursor = this.#cursor
    const at = object.at
    place(object)
    cursor.expect('[')
    const low = cursor.at(':') ? undefined : known(this.#expression(depth + 1))
    if (low !== undefined && cursor.take(']')) return this.#node({ kind: 'index', at, object, key: low })
    if (!cursor.take(':')) throw notGo(cursor.token.at)
    const high = cursor.at(']') ? undefined : known(this.#expression(depth + 1))
    if (cursor.at(':')) throw refusal(cursor.token.at, 'A slice with three bounds')
    cursor.expect(']')
    return this.#node({ kind: 'slice', at, object, ...(low ? { low } : {}), ...(high ? { high } : {}) })
  }

  #primary(depth: number): Tree {
    const cursor = this.#cursor
    const { token } = cursor
    const at = token.at + 1
    switch (token.kind) {
      case 'name':
        return this.#named(token, depth)
      case 'number':
        if (!isNumber(token.text)) throw refusal(token.at, `The number \`${token.text.slice(0, 40)}\``)
        cursor.next()
        return this.#node({ kind: 'number', at, text: token.text, value: token.text })
      case 'rune': {
        const parsed = parseRune(token.text)
        if (!parsed) throw refusal(token.at, 'This rune')
        cursor.next()
        return this.#node({ kind: 'rune', at, ...parsed })
      }
      case 'string': {
        const parsed = parseString(token.text)
        if (!parsed) throw refusal(token.at, 'This string')
        cursor.next()
        if (!cursor.at('(')) return this.#node({ kind: 'string', at, ...parsed })
        return this.#conversion(at, { text: quotedType(token), plain: false }, depth)
      }
      default:
        return this.#grouped(at, depth)
    }
  }

  /** What starts with a parenthesis or a type. */
  #grouped(at: number, depth: number): Tree {
    const cursor = this.#cursor
    if (cursor.at('[') || cursor.at('map')) {
      const type = conversionType(cursor)
      if (!cursor.at('(')) throw cursor.unexpected()
      return this.#conversion(at, type, depth)
    }
    if (!cursor.at('(')) throw cursor.unexpected()
    const type = parenthesizedType(cursor)
    if (type !== undefined) return this.#conversion(at, type, depth)
    cursor.expect('(')
    const tree = known(this.#expression(depth + 1))
    cursor.expect(')')
    // `("main").x` would be read as a package's.
    if (tree.kind === 'string' && cursor.at('.')) throw refusal(at - 1, 'Looking into what is no variable')
    return tree
  }

  #named(token: Token, depth: number): Tree {
    const cursor = this.#cursor
    const at = token.at + 1
    const name = cursor.name()
    if (cursor.at('(')) {
      if (basicTypes.has(name)) return this.#conversion(at, { text: name, plain: true }, depth)
      return this.#intrinsic(at, name, depth)
    }
    if (name === 'nil') return this.#node({ kind: 'nil', at })
    if (name === 'true' || name === 'false') return this.#node({ kind: 'bool', at, text: name, value: name })
    if (basicTypes.has(name)) throw refusal(token.at, `The type \`${name}\` here`)
    const frame = /^runtime\.frame\(([0-9]{1,2})\)\.(?=[\p{L}_])/u.exec(cursor.text.slice(token.at))?.[1]
    return frame === undefined ? this.#node({ kind: 'name', at, name }) : this.#frame(frame)
  }

  /** `runtime.frame(N).name`, which Delve takes by its letters. */
  #frame(text: string): Tree {
    const cursor = this.#cursor
    const frame = smallInteger(text)
    if (frame === undefined) throw refusal(cursor.token.at, `The frame \`${text}\``)
    // Up to the last dot: `.frame(N).`
    for (let count = 0; count < 6; count += 1) cursor.next()
    const at = cursor.token.at + 1
    const name = cursor.name()
    if (cursor.at('(')) throw refusal(at - 1, `The call of \`${name}\``)
    return this.#node({ kind: 'frame', at, frame, name })
  }

  #intrinsic(at: number, name: string, depth: number): Tree {
    const [least, most] = Object.hasOwn(intrinsics, name) ? intrinsics[name]! : [0, -1]
    if (most < 0) throw refusal(at - 1, `The call of \`${name}\``)
    const all = this.#arguments(depth)
    if (all.length < least || all.length > most)
      throw refusal(at - 1, `Calling \`${name}\` with ${all.length} arguments`)
    return this.#node({ kind: 'intrinsic', at, name, arguments: all })
  }

  #conversion(at: number, type: { readonly text: string; readonly plain: boolean }, depth: number): Tree {
    const all = this.#arguments(depth)
    if (all.length !== 1) throw refusal(at - 1, 'A conversion of anything but one value')
    return this.#node({ kind: 'conversion', at, type: type.text, plain: type.plain, argument: all[0]! })
  }

  #arguments(depth: number): Tree[] {
    const cursor = this.#cursor
    const all: Tree[] = []
    cursor.expect('(')
    if (cursor.take(')')) return all
    do all.push(known(this.#expression(depth + 1)))
    while (cursor.take(','))
    cursor.expect(')')
    return all
  }
}

/** `nil` is nothing but what is compared with. */
function known(tree: Tree): Tree {
  if (tree.kind === 'nil') throw refusal(tree.at - 1, '`nil` but in a comparison')
  return tree
}

/** What is looked into is something of the program. Into literals and sums, older Delves look with a panic of their own. */
function place(tree: Tree): Tree {
  if (!places.has(tree.kind) || (tree.kind === 'conversion' && tree.plain))
    throw refusal(tree.at - 1, 'Looking into what is no variable')
  return tree
}
