import { textSource } from './readerText.ts'

/**
 * The function that reads values inside the program, as text: `this` is where it starts, `ask` what is wanted, `bases`
 * are further starting points. It answers by value. It is called with `throwOnSideEffect`, and by itself runs nothing of
 * the program: everything is read by descriptors, and what is a Proxy is never touched (no trap, no getter, no
 * `toString`, no `constructor` that is computed). V8's own descriptions are no help: they run the `stack` and `message`
 * getters of errors, and a program's `Error.prepareStackTrace` (Node 20, 24). An error's `stack` is therefore not read.
 *
 * V8 refuses some harmless functions in that mode, so this is plain: no `Object.defineProperty`, no writes to typed
 * arrays, no `btoa`, and no `source` of a RegExp, no `pop` (Node 20, 24).
 */
export const readerSource = String.raw`function (ask, ...bases) {
${textSource}
  // One row of the answer: t text, y type, k kind, c indexed children, l length of a text that is cut, b bytes.
  const describe = (v) => {
    if (!objectLike(v)) {
      const row = { t: primitive(v, ask.max), y: v === null ? 'null' : typeof v, k: 'primitive' }
      if (typeof v === 'string') { row.k = 'string'; if (v.length > ask.max) row.l = v.length }
      return row
    }
    // Node makes many of its globals when they are asked for, also by their descriptors: V8 refuses that here.
    if (v === globalThis) return { t: 'global', y: 'global', k: 'object', g: true }
    const kind = kindOf(v)
    const row = { t: full(v, kind, ask.max), y: kind === 'proxy' ? 'Proxy' : kind === 'class' ? 'function' : typeof v === 'function' ? 'function' : classOf(v), k: kind }
    const count = countOf(v, kind)
    if (count > 0) row.c = count
    if (kind === 'error') {
      if (!calm(v)) row.h = true
      else if (!stackReadable) row.u = true
    }
    return row
  }
  const described = (v) => {
    try {
      return describe(v)
    } catch (error) {
      return { t: '<not readable>', y: 'object', k: 'unreadable' }
    }
  }
  const accessor = (d) => {
    if (d === unread) return { t: '(not read)', y: 'string', k: 'unreadable' }
    return d.get === undefined ? { t: '(setter)', y: 'accessor', k: 'setter' } : { t: '(…)', y: 'accessor', k: 'getter' }
  }
  const property = (o, k, name) => {
    let d
    try {
      d = own(o, k)
    } catch (error) {
      return { n: name, t: '<not initialized>', y: 'undefined', k: 'primitive' }
    }
    if (d === undefined) return undefined
    const row = hasOwn(d, 'value') ? described(d.value) : accessor(d)
    row.n = name
    if (!d.enumerable) row.e = true
    if (hasOwn(d, 'value') && !d.writable) row.r = true
    return row
  }
  const isIndex = (k, count) => { const n = +k; return n >= 0 && n < count && '' + n === k }
  const nth = (v, at) => {
    const kind = lookup(v)
    let result = none
    entries(v, kind, at, at + 1, (entry) => { result = kind === 'map' ? { __proto__: null, key: entry[0], value: entry[1] } : entry })
    return result
  }
  const walk = (base, steps) => {
    let at = base
    for (const step of steps) {
      if (!plain(at)) return none
      if (step.k !== undefined) {
        const d = own(at, step.k)
        if (d === undefined || !hasOwn(d, 'value')) return none
        at = d.value
      } else if (step.s !== undefined) {
        const symbol = Object.getOwnPropertySymbols(at)[step.s]
        if (symbol === undefined) return none
        at = data(at, symbol)
      } else if (step.p !== undefined) at = protoOf(at)
      else at = nth(at, step.e)
    }
    return at
  }
  const indexedRows = (v, kind, start, count, rows) => {
    const end = Math.min(countOf(v, kind), start + count)
    if (kind === 'map' || kind === 'set') {
      entries(v, kind, start, end, (entry, i) => {
        const row = kind === 'set' ? described(entry) : { t: pairText(entry), y: '', k: 'entry' }
        row.n = '' + i
        row.x = true
        rows.push(row)
      })
      return
    }
    for (let i = start; i < end; i++) {
      if (kind === 'typed' || kind === 'buffer') { const row = described(v[i]); row.n = '' + i; rows.push(row) }
      else rows.push(property(v, '' + i, '' + i) ?? { n: '' + i, t: '<empty>', y: 'undefined', k: 'empty' })
    }
  }
  const namedRows = (v, kind, start, count, rows) => {
    const indexed = kind === 'map' || kind === 'set' ? 0 : countOf(v, kind)
    const keys = keysOf(v)
    let at = 0
    let symbols = 0
    let calmAll = true
    for (const k of keys) {
      const symbol = typeof k === 'symbol' ? symbols++ : undefined
      if (symbol === undefined && indexed > 0 && isIndex(k, indexed)) continue
      // Reading it would have V8 write it, with the program's own prepareStackTrace.
      if (kind === 'error' && k === 'stack') continue
      if (at >= start && at < start + count) {
        const row = property(v, k, symbol === undefined ? k.slice(0, 1000) : primitive(k))
        if (row !== undefined) {
          if (symbol !== undefined) row.s = symbol
          else if (k.length > 1000) row.z = true
          if (row.h || row.u) calmAll = false
          rows.push(row)
        }
      }
      at += 1
    }
    return { total: at, calm: calmAll }
  }
  const children = (base, want) => {
    const v = walk(base, want.steps)
    if (v === none || !objectLike(v)) return { rows: [], gone: true }
    const kind = kindOf(v)
    if (kind === 'proxy') return { rows: [], kind, total: 0, calm: true }
    const rows = []
    const answer = { rows, kind, total: 0, calm: true }
    if (want.indexed !== undefined) indexedRows(v, kind, want.indexed[0], want.indexed[1], rows)
    if (want.named !== undefined) {
      const { total, calm: calmAll } = namedRows(v, kind, want.named[0], want.named[1], rows)
      answer.total = total
      answer.calm = calmAll && (kind !== 'error' || calm(v))
      answer.named = true
    }
    if (want.proto === true) {
      const proto = protoOf(v)
      const row = proto === null ? { t: 'null', y: 'null', k: 'primitive' } : { t: isProxy(proto) ? 'Proxy' : classOf(proto), y: isProxy(proto) ? 'Proxy' : 'object', k: kindOf(proto) }
      if (row.k === 'array' || row.k === 'error') row.k = 'object'
      answer.proto = row
    }
    return answer
  }
  const actions = {
    children,
    describe(base, want) {
      const v = walk(base, want.steps)
      return v === none ? { gone: true } : { rows: [described(v)] }
    },
    // V8 ends this where the stack is its own and not written yet: then it is no getter of the program's.
    stack(base, want) {
      const v = walk(base, want.steps)
      return { calm: plain(v) && ownStack(v) }
    },
    text(base, want) {
      const v = walk(base, want.steps)
      return typeof v === 'string' ? { text: v.slice(want.start, want.start + want.count), length: v.length } : { gone: true }
    },
    bytes(base, want) {
      const v = walk(base, want.steps)
      const kind = plain(v) ? kindOf(v) : ''
      let view
      if (kind === 'arraybuffer') view = new Uint8Array(v)
      else if (kind === 'typed' || kind === 'buffer') view = new Uint8Array(call(getter(typedProto, 'buffer'), v, []), call(getter(typedProto, 'byteOffset'), v, []), call(getter(typedProto, 'byteLength'), v, []))
      else if (kind === 'dataview') view = new Uint8Array(call(getter(DataView.prototype, 'buffer'), v, []), call(getter(DataView.prototype, 'byteOffset'), v, []), byteLength(v, kind))
      else return { gone: true }
      const length = call(typedLength, view, [])
      const end = Math.min(length, want.start + want.count)
      let text = ''
      for (let i = Math.max(0, want.start); i < end; i++) text += String.fromCharCode(view[i])
      return { text, length }
    },
    names(base, want) {
      const v = walk(base, want.steps)
      const rows = []
      let at = objectLike(v) ? v : v === undefined || v === null || v === none ? null : protoOf(Object(v))
      if (typeof v === 'string') at = String.prototype
      for (let depth = 0; at !== null && depth < 50 && !isProxy(at); depth++, at = protoOf(at)) {
        const indexed = countOf(at, kindOf(at))
        if (indexed > 10000) continue
        for (const k of keysOf(at)) {
          if (typeof k !== 'string' || isIndex(k, indexed) || !k.startsWith(want.prefix)) continue
          const d = own(at, k)
          rows.push([k.slice(0, 200), d === undefined || !hasOwn(d, 'value') ? 'property' : typeof d.value === 'function' ? 'method' : 'field', depth])
          if (rows.length >= want.max) return { rows }
        }
      }
      return { rows }
    },
    // Texts are kept in objects: V8 refuses writes to variables of outer functions.
    json(base, want) {
      const state = { left: want.max }
      const write = (v, indent, above) => {
        if (state.left <= 0) return '"…"'
        if (!objectLike(v)) {
          const text = typeof v === 'string' ? quoted(v, state.left) : primitive(v, state.left)
          state.left -= text.length
          return text
        }
        for (let up = above; up !== undefined; up = up.above) if (up.v === v) return '"[Circular]"'
        const kind = kindOf(v)
        const here = { v, above, out: '' }
        const inner = indent + '  '
        const add = (text) => { here.out += (here.out === '' ? '' : ',') + '\n' + inner + text; state.left -= inner.length + 2 }
        const slot = (d) => (d === undefined ? 'null' : hasOwn(d, 'value') ? write(d.value, inner, here) : '"(getter, not run)"')
        const count = countOf(v, kind)
        const isList = kind === 'array' || kind === 'typed' || kind === 'arguments' || kind === 'buffer' || kind === 'map' || kind === 'set'
        if (kind === 'map' || kind === 'set') {
          entries(v, kind, 0, count, (e) => {
            if (state.left > 0) add(kind === 'map' ? '[' + write(e[0], inner, here) + ', ' + write(e[1], inner, here) + ']' : write(e, inner, here))
          })
        } else if (isList) {
          for (let i = 0; i < count && state.left > 0; i++) add(kind === 'typed' || kind === 'buffer' ? primitive(v[i]) : slot(own(v, i)))
        } else if (kind === 'object' || kind === 'error') {
          if (kind === 'error') add('"message": ' + write(errorText(v, state.left), inner, here))
          for (const k of keysOf(v)) {
            if (state.left <= 0) break
            if (typeof k === 'symbol' || (kind === 'error' && k === 'message')) continue
            const d = own(v, k)
            if (d === undefined || (!d.enumerable && k !== 'cause')) continue
            add(quoted(k, 10000) + ': ' + slot(d))
          }
        } else {
          const text = quoted(short(v, state.left), state.left)
          state.left -= text.length
          return text
        }
        const brackets = isList ? '[]' : '{}'
        return here.out === '' ? brackets : brackets[0] + here.out + '\n' + indent + brackets[1]
      }
      const v = walk(base, want.steps)
      if (v === none) return { gone: true }
      return typeof v === 'string' ? { text: v.slice(0, want.max), length: v.length } : { text: write(v, '', undefined) }
    },
  }
  // For V8's own view of them, by handle.
  if (ask.paths !== undefined) {
    const picked = []
    for (const steps of ask.paths) picked.push(walk(this, steps))
    return picked.length === 1 ? picked[0] : picked
  }
  const starts = [this, ...bases]
  const answers = []
  for (let i = 0; i < ask.wants.length; i++) answers.push(actions[ask.wants[i].action](starts[i], ask.wants[i]))
  return answers
}`
