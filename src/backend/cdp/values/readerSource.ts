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
  const { types } = process.getBuiltinModule('util')
  const { isProxy } = types
  const { getOwnPropertyDescriptor, getPrototypeOf: protoOf, hasOwn } = Object
  const { propertyIsEnumerable, __lookupGetter__ } = Object.prototype
  const keysOf = Reflect.ownKeys
  const call = Reflect.apply
  // V8 writes a stack when its descriptor is asked for, with the program's prepareStackTrace (Node 20).
  const unread = { enumerable: false }
  const own = (o, k) => (k === 'stack' && hasOwn(o, k) && !call(propertyIsEnumerable, o, [k]) ? unread : getOwnPropertyDescriptor(o, k))
  const none = { missing: true }
  const objectLike = (v) => (typeof v === 'object' && v !== null) || typeof v === 'function'
  const plain = (v) => objectLike(v) && !isProxy(v)
  const data = (o, k) => { const d = own(o, k); return d === undefined || !hasOwn(d, 'value') ? undefined : d.value }
  const found = (o, k) => {
    for (let p = o; p !== null; p = protoOf(p)) {
      if (isProxy(p)) return undefined
      const d = own(p, k)
      if (d !== undefined) return d
    }
    return undefined
  }
  const inherited = (o, k) => { const d = found(o, k); return d !== undefined && hasOwn(d, 'value') ? d.value : undefined }
  const getter = (o, k) => own(o, k).get
  const typedProto = protoOf(Uint8Array.prototype)
  const typedLength = getter(typedProto, 'length')
  const mapSize = getter(Map.prototype, 'size')
  const setSize = getter(Set.prototype, 'size')
  const escapes = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\', "'": "\\'", '\0': '\\0' }
  const quote = (text, max) => {
    const end = text.length > max ? max : text.length
    let out = "'"
    let from = 0
    for (let i = 0; i < end; i++) {
      const escaped = escapes[text[i]]
      if (escaped === undefined) continue
      out += text.slice(from, i) + escaped
      from = i + 1
    }
    return out + text.slice(from, end) + (end < text.length ? '…' : '') + "'"
  }
  const quoted = (text, max) => {
    let out = '"'
    const end = text.length > max ? max : text.length
    let from = 0
    for (let i = 0; i < end; i++) {
      const escaped = text[i] === '"' ? '\\"' : text[i] === "'" ? undefined : escapes[text[i]]
      if (escaped === undefined) continue
      out += text.slice(from, i) + escaped
      from = i + 1
    }
    return out + text.slice(from, end) + (end < text.length ? '…' : '') + '"'
  }
  const isBuffer = (v) => { const c = inherited(v, 'constructor'); return plain(c) && data(c, 'name') === 'Buffer' }
  // V8 refuses types.isTypedArray, and types.isDataView (Node 24).
  const isTyped = (v) => { try { call(typedLength, v, []); return true } catch { return false } }
  const lookup = (v) => {
    if (typeof v === 'function') return call(Function.prototype.toString, v, []).slice(0, 5) === 'class' ? 'class' : 'function'
    if (Array.isArray(v)) return 'array'
    if (ArrayBuffer.isView(v)) return !isTyped(v) ? 'dataview' : isBuffer(v) ? 'buffer' : 'typed'
    if (types.isNativeError(v)) return 'error'
    if (types.isMap(v)) return 'map'
    if (types.isSet(v)) return 'set'
    if (types.isDate(v)) return 'date'
    if (types.isRegExp(v)) return 'regexp'
    if (types.isPromise(v)) return 'promise'
    if (types.isAnyArrayBuffer(v)) return 'arraybuffer'
    if (types.isWeakMap(v) || types.isWeakSet(v)) return 'weak'
    if (types.isArgumentsObject(v)) return 'arguments'
    if (types.isBoxedPrimitive(v)) return 'boxed'
    if (types.isGeneratorObject(v)) return 'generator'
    if (types.isExternal(v)) return 'external'
    return 'object'
  }
  const kindOf = (v) => (isProxy(v) ? 'proxy' : lookup(v))
  const classOf = (v) => {
    const constructor = inherited(v, 'constructor')
    const name = plain(constructor) && typeof constructor === 'function' ? data(constructor, 'name') : undefined
    if (typeof name === 'string' && name !== '') return name.slice(0, 100)
    const tag = inherited(v, Symbol.toStringTag)
    if (typeof tag === 'string' && tag !== '') return tag.slice(0, 100)
    return protoOf(v) === null ? '[Object: null prototype]' : 'Object'
  }
  const countOf = (v, kind) => {
    if (kind === 'array') return data(v, 'length')
    if (kind === 'typed' || kind === 'buffer') return call(typedLength, v, [])
    if (kind === 'map') return call(mapSize, v, [])
    if (kind === 'set') return call(setSize, v, [])
    if (kind === 'arguments') { const n = data(v, 'length'); return typeof n === 'number' && n >= 0 && n < 1e7 ? n : 0 }
    return 0
  }
  const byteLength = (v, kind) => {
    if (kind === 'dataview') return call(getter(DataView.prototype, 'byteLength'), v, [])
    const shared = types.isSharedArrayBuffer(v)
    return call(getter((shared ? SharedArrayBuffer : ArrayBuffer).prototype, 'byteLength'), v, [])
  }
  const nodes = 'function ErrorPrepareStackTrace(error, trace) {\n  return internalPrepareStackTrace(error, trace);'
  // What V8's own words for this error would run.
  const calm = (v) => {
    const prepare = data(Error, 'prepareStackTrace')
    if (prepare !== undefined && (!plain(prepare) || call(Function.prototype.toString, prepare, []).slice(0, nodes.length) !== nodes)) return false
    const message = found(v, 'message')
    if (message !== undefined && !hasOwn(message, 'value')) return false
    for (let p = v; p !== null; p = protoOf(p)) if (isProxy(p)) return false
    return call(__lookupGetter__, v, ['stack']) === call(__lookupGetter__, new Error(), ['stack'])
  }
  const errorText = (v, max) => {
    const name = inherited(v, 'name')
    const message = found(v, 'message')
    const said = message === undefined ? '' : hasOwn(message, 'value') ? message.value : '(getter, not run)'
    const title = classOf(v)
    const head = typeof name === 'string' && name !== '' && name !== 'Error' ? name : title
    return typeof said === 'string' && said !== '' ? head + ': ' + said.slice(0, max) : head
  }
  const boxedValue = (v) => {
    if (types.isNumberObject(v)) return call(Number.prototype.valueOf, v, [])
    if (types.isStringObject(v)) return call(String.prototype.valueOf, v, [])
    if (types.isBooleanObject(v)) return call(Boolean.prototype.valueOf, v, [])
    if (types.isBigIntObject(v)) return call(BigInt.prototype.valueOf, v, [])
    return call(Symbol.prototype.valueOf, v, [])
  }
  const functionText = (v, kind) => {
    const name = data(v, 'name')
    const label = typeof name === 'string' ? name.slice(0, 100) : ''
    if (kind === 'class') return label === '' ? 'class' : 'class ' + label
    const isAsync = types.isAsyncFunction(v)
    return (isAsync ? 'async ' : '') + (types.isGeneratorFunction(v) ? 'ƒ* ' : 'ƒ ') + label + '()'
  }
  const primitive = (v, max) => {
    switch (typeof v) {
      case 'string': return quote(v, max)
      case 'number': return v === 0 && 1 / v < 0 ? '-0' : '' + v
      case 'bigint': { const text = '' + v; return (text.length > max ? text.slice(0, max) + '…' : text) + 'n' }
      case 'symbol': return call(Symbol.prototype.toString, v, []).slice(0, 200)
      default: return '' + v
    }
  }
  const short = (v, max) => {
    if (!objectLike(v)) return primitive(v, max)
    const kind = kindOf(v)
    const count = countOf(v, kind)
    switch (kind) {
      case 'proxy': return 'Proxy'
      case 'function': case 'class': return functionText(v, kind)
      case 'error': return errorText(v, max)
      case 'date': { const ms = call(Date.prototype.getTime, v, []); return ms === ms ? call(Date.prototype.toISOString, v, []) : 'Invalid Date' }
      // V8 refuses its own getters of a pattern and its flags in this mode.
      case 'regexp': return '/…/'
      case 'array': case 'typed': case 'buffer': case 'map': case 'set': return classOf(v) + '(' + count + ')'
      case 'arguments': return 'Arguments(' + count + ')'
      case 'arraybuffer': case 'dataview': return classOf(v) + '(' + byteLength(v, kind) + ')'
      case 'boxed': return '[' + classOf(v) + ': ' + primitive(boxedValue(v), max) + ']'
      case 'object': { const name = classOf(v); return name === 'Object' ? '{…}' : name }
      default: return classOf(v)
    }
  }
  const shortMax = 50
  const keyText = (k) => (typeof k === 'symbol' ? '[' + primitive(k, 50) + ']' : /^[A-Za-z_$][\w$]*$/.test(k) ? k.slice(0, 60) : quote(k, 60))
  const element = (v, kind, i) => {
    if (kind === 'typed' || kind === 'buffer') return primitive(v[i])
    const d = own(v, i)
    if (d === undefined) return '<empty>'
    return hasOwn(d, 'value') ? short(d.value, shortMax) : '(…)'
  }
  const list = (v, kind, count) => {
    let out = ''
    const shown = count > 8 ? 8 : count
    for (let i = 0; i < shown && out.length < 120; i++) out += (i > 0 ? ', ' : '') + element(v, kind, i)
    return out + (shown < count ? ', …' : '')
  }
  const bytesText = (v, count) => {
    let text = ''
    for (let i = 0; i < count && i < 64; i++) {
      const byte = v[i]
      if (byte < 32 && byte !== 10 && byte !== 13 && byte !== 9 || byte > 126) return ''
      text += String.fromCharCode(byte)
    }
    return count === 0 ? '' : ' ' + quote(count > 64 ? text + '…' : text, 80)
  }
  const entries = (v, kind, from, to, each) => {
    const iterator = kind === 'map' ? call(Map.prototype.entries, v, []) : call(Set.prototype.values, v, [])
    const next = iterator.next
    for (let i = 0; i < to; i++) {
      const step = call(next, iterator, [])
      if (step.done) return
      if (i >= from) each(step.value, i)
    }
  }
  const pairText = (pair) => short(pair[0], shortMax) + ' => ' + short(pair[1], shortMax)
  const properties = (v) => {
    let out = ''
    let shown = 0
    const keys = keysOf(v)
    for (const k of keys) {
      const d = own(v, k)
      if (d === undefined || !d.enumerable) continue
      if (shown === 5 || out.length > 160) return out + ', …'
      out += (shown > 0 ? ', ' : '') + keyText(k) + ': ' + (hasOwn(d, 'value') ? short(d.value, shortMax) : '(…)')
      shown += 1
    }
    return out
  }
  const full = (v, kind, max) => {
    const count = countOf(v, kind)
    switch (kind) {
      case 'array': case 'typed': case 'arguments': return short(v) + ' [' + list(v, kind, count) + ']'
      case 'buffer': return short(v) + ' [' + list(v, kind, count) + ']' + bytesText(v, count)
      case 'map': case 'set': {
        let out = ''
        entries(v, kind, 0, 5, (entry, i) => { if (out.length < 160) out += (i > 0 ? ', ' : '') + (kind === 'map' ? pairText(entry) : short(entry, shortMax)) })
        return short(v) + ' {' + out + (count > 5 ? ', …' : '') + '}'
      }
      case 'object': {
        const name = classOf(v)
        const inner = properties(v)
        return name === 'Object' ? '{' + inner + '}' : inner === '' ? name + ' {}' : name + ' {' + inner + '}'
      }
      default: return short(v, max)
    }
  }
  // One row of the answer: t text, y type, k kind, c indexed children, l length of a text that is cut, b bytes.
  const describe = (v) => {
    if (!objectLike(v)) {
      const row = { t: primitive(v, ask.max), y: v === null ? 'null' : typeof v, k: 'primitive' }
      if (typeof v === 'string') { row.k = 'string'; if (v.length > ask.max) row.l = v.length }
      return row
    }
    const kind = kindOf(v)
    const row = { t: full(v, kind, ask.max), y: kind === 'proxy' ? 'Proxy' : kind === 'class' ? 'function' : typeof v === 'function' ? 'function' : classOf(v), k: kind }
    const count = countOf(v, kind)
    if (count > 0) row.c = count
    if (kind === 'error' && !calm(v)) row.h = true
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
          if (row.h) calmAll = false
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
