/**
 * The parts that a guarded expression is put together from: Python lambdas that look at values without running code of
 * the program. Each rule here was an escape once:
 * - Builtins are reached from literals (`().__class__`), as the frame may have a `type` or `len` of its own, and
 *   `__builtins__` may be anything.
 * - `type(v)` and the type's own descriptors never ask the object; `v.__class__`, isinstance and `t.__mro__` may.
 * - Types are compared with `is`: `in` and `==` would ask a metaclass.
 * - Names in a `__dict__` and keys of a dict are scanned, as a lookup asks the `__eq__` of every key with the same hash:
 *   a subclass of str is enough. `[*d]` copies in one step, so that another thread can't change it under the scan.
 * - `-b` makes comparing bytes with str warn, `~True` warns since 3.12: warnings are Python code that programs replace.
 * - Texts are joined, not added: a subclass of str in a class's `__name__` could bring its own `__radd__`.
 * - Nothing raises that can be foreseen: debugpy prints our whole text with each error (pydevd handle_breakpoint_condition).
 */
interface Helper {
  readonly text: string
  /** The helpers that it uses. */
  readonly needs: string
}

/** More items than this are not scanned: the program waits meanwhile, about 40 ns for each (CPython 3.11). */
const scanned = 10_000
const characters = 65_536

const helper = (needs: string, text: string): Helper => ({ needs, text })

/** By their names in the text. One letter each: debugpy compiles the text anew at every hit. */
export const helpers: Readonly<Record<string, Helper>> = {
  // The builtin classes, each from a literal of its own.
  O: helper('', '().__class__.__base__'),
  T: helper('', '().__class__.__class__'),
  P: helper('', '().__class__'),
  L: helper('', '[].__class__'),
  D: helper('', '{}.__class__'),
  E: helper('', '{0}.__class__'),
  S: helper('', "''.__class__"),
  Y: helper('', "b''.__class__"),
  I: helper('', '(0).__class__'),
  B: helper('', 'True.__class__'),
  F: helper('', '(0.).__class__'),
  // "Unanswerable": a value that no value of the program is.
  U: helper('', '().__class__.__base__()'),
  K: helper('', '1<<999'),
  // The real mro and the real dict of a class.
  R: helper('T', "T.__dict__['__mro__'].__get__"),
  G: helper('T', "T.__dict__['__dict__'].__get__"),
  N: helper('T', "T.__dict__['__name__'].__get__"),
  // Is it an exact builtin scalar? An exact builtin container? A number to compute with?
  c: helper('TISBFY', 'lambda v:v is None or T(v)is I or T(v)is S or T(v)is B or T(v)is F or T(v)is Y'),
  z: helper('TLPDE', 'lambda v:T(v)is L or T(v)is P or T(v)is D or T(v)is E'),
  w: helper('TFIBK', 'lambda v:T(v)is F or(T(v)is I or T(v)is B)and-K<v<K'),
  i: helper('TIBK', 'lambda v:(T(v)is I or T(v)is B)and-K<v<K'),
  // Equal scalars.
  e: helper('TY', 'lambda x,y:(T(x)is Y)is(T(y)is Y)and x==y'),
  // What a class or its bases hold under a name, nearest first; whether they hold one of some names.
  M: helper('TSRG', 'lambda t,n:[x for c in R(t)for k,x in[*G(c).items()]if T(k)is S and k==n]'),
  h: helper('TSRG', 'lambda t,n:[1 for c in R(t)for k in[*G(c)]if T(k)is S and k in n]'),
  // Truth: True, False, or U.
  b: helper(
    'UTczh',
    "lambda v:U if v is U else not not v if c(v)or z(v)else U if h(T(v),('__bool__','__len__'))else True",
  ),
  k: helper('U', 'lambda r:U if r is U else not r'),
  n: helper('bk', 'lambda v:k(b(v))'),
  a: helper('Ub', 'lambda v,f:(lambda r:f()if r is True else v if r is False else U)(b(v))'),
  o: helper('Ub', 'lambda v,f:(lambda r:f()if r is False else v if r is True else U)(b(v))'),
  j: helper('Ub', 'lambda v,f,g:(lambda r:U if r is U else f()if r else g())(b(v))'),
  W: helper('', 'lambda r,f:f()if r is True else r'),
  // Comparison.
  q: helper('Ucez', 'lambda x,y:e(x,y)if c(x)and c(y)else False if c(x)and z(y)or z(x)and c(y)else U'),
  Q: helper('kq', 'lambda x,y:k(q(x,y))'),
  g: helper(
    'TISBFY',
    'lambda x,y:T(x)is T(y)and(T(x)is S or T(x)is Y)or(T(x)is I or T(x)is F or T(x)is B)and(T(y)is I or T(y)is F or T(y)is B)',
  ),
  s: helper('U', 'lambda x,y:U if x is U or y is U else x is y'),
  C: helper(
    'UTSYIBczes',
    'lambda k,v:U if not c(k)else(k in v if T(k)is T(v)or 0<=k<256 else U)if T(v)is Y and(T(k)is Y or T(k)is I or T(k)is B)' +
      `else k in v if T(v)is S and T(k)is S else U if not z(v)or v.__len__()>${scanned} else` +
      '(lambda p:True if[1 for x in p if x is k or c(x)and e(x,k)]else U if[1 for x in p if not(c(x)or z(x))]else False)([*v])',
  ),
  H: helper('kC', 'lambda x,y:k(C(x,y))'),
  // Items of exact lists, tuples, texts and dicts, and of dicts whose class leaves `[]` as it is.
  x: helper(
    'UTLPSYIBDcMde',
    'lambda v,k:U if not c(k)else(v[k]if(T(k)is I or T(k)is B)and-v.__len__()<=k<v.__len__()else U)' +
      "if T(v)is L or T(v)is P or T(v)is S or T(v)is Y else d(v,k)if T(v)is D or[1 for m in M(T(v),'__getitem__')[:1]if m is D.__dict__['__getitem__']]else U",
  ),
  d: helper(
    'UDce',
    `lambda v,k:(lambda r:r[0]if r else U)([y for x,y in[*D.items(v)]if c(x)and(x is k or e(x,k))]if D.__len__(v)<=${scanned} else[])`,
  ),
  l: helper(
    'UTLPSYDEMz',
    "lambda v:v.__len__()if z(v)or T(v)is S or T(v)is Y else(lambda m:m[0](v)if m and[1 for t in(L,P,D,E,S,Y)if m[0]is t.__dict__['__len__']]else U)(M(T(v),'__len__'))",
  ),
  y: helper(
    'UTLPSYIB',
    'lambda v,i,j,k:v[i:j:k]if(T(v)is L or T(v)is P or T(v)is S or T(v)is Y)' +
      `and v.__len__()<=${characters} and k!=0 and not[1 for x in(i,j,k)if not(x is None or T(x)is I or T(x)is B)]else U`,
  ),
  // Members: A finds how the class reads attributes (object's way, type's or a module's, or not at all), V what the
  // instance or the class itself holds, r which of the two wins. Slots are read by their own C descriptor.
  V: helper(
    'DTSMU',
    "lambda v,n,w:M(v,n)if w is T.__dict__['__getattribute__']else(lambda d:" +
      "([x for k,x in[*D.items(d[0].__get__(v))]if T(k)is S and k==n]if T(d[0])is T(T.__dict__['__dict__'])" +
      "or T(d[0])is T(T.__dict__['__basicsize__'])else[U])if d else[])(M(T(v),'__dict__'))",
  ),
  A: helper(
    'UTOMNr',
    "lambda v,n:(lambda w:r(v,n,w,M(T(v),n))if w is O.__dict__['__getattribute__']or w is T.__dict__['__getattribute__']" +
      "or T(w)is T(O.__dict__['__getattribute__'])and N(w.__objclass__)=='module'else U)(M(T(v),'__getattribute__')[0])",
  ),
  r: helper(
    'UTVf',
    "lambda v,n,w,m:m[0].__get__(v)if m and T(m[0])is T(T.__dict__['__basicsize__'])else U if m and f(m[0],('__set__','__delete__'))" +
      "else(lambda i:(U if w is T.__dict__['__getattribute__']and f(i[0],('__get__',))else i[0])if i else " +
      "U if not m or f(m[0],('__get__',))else m[0])(V(v,n,w))",
  ),
  f: helper('Tch', 'lambda v,n:not c(v)and h(T(v),n)'),
  // Texts for a log message: t of an item, X of the whole. A name is never shown by its own code.
  t: helper(
    'TSYFNci',
    'lambda v:T(v).__repr__(v[:200]if T(v)is S or T(v)is Y else v)' +
      "if c(v)and(T(v)is S or T(v)is Y or T(v)is F or v is None or i(v))else''.join(('<',N(T(v)),'>'))",
  ),
  X: helper(
    'UTSLPDEzt',
    "lambda v:'<not answered>'if v is U else v[:4000]if T(v)is S else t(v)if not z(v)or v.__len__()>20 else''.join((" +
      "'['if T(v)is L else'('if T(v)is P else'\\x7b',', '.join([': '.join((t(k),t(y)))for k,y in[*D.items(v)]]if T(v)is D else[t(y)for y in[*v]])," +
      "']'if T(v)is L else')'if T(v)is P else'\\x7d'))",
  ),
}
