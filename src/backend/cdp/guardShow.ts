/** The part of the guard that shows a value in a log message: on one line, and nothing of the program runs. */
export const showSource = String.raw`
  const longest = 255, entries = 10, levels = 2
  const json = take(JSON, 'stringify'), mapEntries = take(M, 'entries'), setValues = take(Set.prototype, 'values')
  const mapNext = take(up(apply(mapEntries, new Map(), [])), 'next'), setNext = take(up(apply(setValues, new Set(), [])), 'next')
  const mapSize = getterOf(M, 'size'), setSize = getterOf(Set.prototype, 'size'), typedLength = getterOf(T, 'length')
  const R = RegExp.prototype, source = getterOf(R, 'source'), global = getterOf(R, 'global'), ignoreCase = getterOf(R, 'ignoreCase'), multiline = getterOf(R, 'multiline')
  const dateTime = take(D, 'getTime'), dateText = take(D, 'toISOString'), same = take(Object, 'is')
  const E = Error.prototype, setRoot = Set.prototype

  const shorten = (s, n) => s.length > n ? apply(cut, s, [0, n - 1]) + '…' : s
  // A member that is plain data, or undefined.
  const data = (o, k) => {
    for (let at = o, n = 0; at !== null && n < 1000; at = up(at), n++) {
      if (isProxy !== undefined && isProxy(at)) return undefined
      if (k === 'stack') return undefined
      const d = descriptor(at, k)
      if (d !== undefined) return own(d, 'value') ? d.value : undefined
    }
    return undefined
  }
  const textIn = (o, k) => {
    const x = data(o, k)
    return typeof x === 'string' ? x : undefined
  }
  const className = (o) => {
    if (up(o) === null) return '[no prototype]'
    const c = data(o, 'constructor')
    const name = typeof c === 'function' && !(isProxy !== undefined && isProxy(c)) ? textIn(c, 'name') : undefined
    return name === undefined || name === '' ? 'Object' : shorten(name, 60)
  }
  const rootOf = (o) => {
    for (let at = o, n = 0; at !== null && n < 100; at = up(at), n++) {
      if (isProxy !== undefined && isProxy(at)) return undefined
      if (at === M || at === setRoot || at === D || at === R || at === E || at === T) return at
    }
    return undefined
  }
  // Written as 'a, b, …' until there are enough.
  const listed = (n, item) => {
    let all = ''
    for (let i = 0; i < n; i++) {
      if (i === entries || all.length > longest) return all + ', …'
      all += (i > 0 ? ', ' : '') + item(i)
    }
    return all
  }
  const member = (o, k, depth) => {
    const d = descriptor(o, k)
    return d === undefined ? '(empty)' : own(d, 'value') ? inner(d.value, depth) : '(getter)'
  }
  const plainKey = (k) => {
    for (let i = 0; i < k.length; i++) {
      const c = k[i]
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c === '_' || c === '$' || (i > 0 && c >= '0' && c <= '9'))) return json(shorten(k, 60))
    }
    return k
  }
  const members = (o, depth) => {
    const keys = keysOf(o)
    return keys.length === 0 ? '{}' : '{' + listed(keys.length, (i) => plainKey(keys[i]) + ': ' + member(o, keys[i], depth)) + '}'
  }
  const collection = (o, size, iterator, next, pair, depth) => {
    const label = className(o) + '(' + size + ')'
    if (depth === 0) return label
    const step = () => {
      const v = data(apply(next, iterator, []), 'value')
      return pair ? inner(data(v, '0'), depth) + ' => ' + inner(data(v, '1'), depth) : inner(v, depth)
    }
    return label + ' {' + listed(size, step) + '}'
  }
  const special = (o, depth) => {
    const root = rootOf(o)
    if (root === M && mapSize !== undefined) return collection(o, apply(mapSize, o, []), apply(mapEntries, o, []), mapNext, true, depth)
    if (root === setRoot && setSize !== undefined) return collection(o, apply(setSize, o, []), apply(setValues, o, []), setNext, false, depth)
    if (root === D) {
      const t = apply(dateTime, o, [])
      return t !== t ? 'Invalid Date' : apply(dateText, o, [])
    }
    if (root === R && source !== undefined) return '/' + apply(source, o, []) + '/' + (apply(global, o, []) ? 'g' : '') + (apply(ignoreCase, o, []) ? 'i' : '') + (apply(multiline, o, []) ? 'm' : '')
    if (root === T && typedLength !== undefined) {
      const n = apply(typedLength, o, [])
      return className(o) + '(' + n + ')' + (depth === 0 ? '' : ' [' + listed(n, (i) => member(o, i, depth)) + ']')
    }
    if (root === E) return (textIn(o, 'name') || className(o)) + ': ' + (textIn(o, 'message') || '')
    return undefined
  }
  const objectText = (o, depth) => {
    if (isProxy !== undefined && isProxy(o)) return 'Proxy'
    if (isArray(o)) {
      const n = descriptor(o, 'length').value
      return depth === 0 ? 'Array(' + n + ')' : '[' + listed(n, (i) => member(o, i, depth)) + ']'
    }
    let shown
    // A prototype itself, or an object that only pretends to be one of them, is no Map and no Date.
    try { shown = special(o, depth) } catch (e) { shown = undefined }
    if (shown !== undefined) return shown
    const name = className(o)
    if (depth === 0) return name
    return name === 'Object' ? members(o, depth) : name + ' ' + members(o, depth)
  }
  const inner = (v, depth) => typeof v === 'string' ? json(shorten(v, 100)) : shown(v, depth - 1)
  const shown = (v, depth) => {
    switch (typeof v) {
      case 'string': return v
      case 'bigint': return v + 'n'
      case 'symbol': return apply(symbolText, v, [])
      case 'function': return isProxy !== undefined && isProxy(v) ? 'Proxy' : 'function ' + (textIn(v, 'name') || '(anonymous)')
      case 'object': return v === null ? 'null' : objectText(v, depth)
      default: return same(v, -0) ? '-0' : v + ''
    }
  }
  const show = (v) => shorten(shown(v, levels), longest)
  const part = (f) => {
    try { return show(f()) } catch (e) { return '<' + shorten(reason(e), longest) + '>' }
  }
`
