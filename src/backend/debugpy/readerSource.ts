import { readerText } from './readerText.ts'

/**
 * The safe reader: a Python function, evaluated through debugpy in the frame that is looked at, that lists the children
 * of one value as JSON and runs none of the program's code while it does. debugpy's own `variables` runs `__repr__`,
 * properties, `__len__`, `__class__`, `__dir__` and a dict subclass's `items()`.
 *
 * It leaves no name behind, imports nothing, and works alike on CPython 3.8 to 3.13.
 *
 * `path` is `['L' or 'G', [kind, at, identity]...]`: from the frame's locals or globals, for each step the child of that
 * kind (`n` by name, `i` element) at that place, and the `id()` it had when it was shown. `group` picks debugpy's groups.
 * A row is `[name, value, type, suffix of the expression or null, kind, at, identity, elements, has children]`.
 */
const head = String.raw`
def read(b, path, group, start, count, what, options):
    TYPE = ().__class__.__class__
    STR, INT, DICT, LIST, TUPLE, BYTES = ''.__class__, (0).__class__, {}.__class__, [].__class__, ().__class__, b''.__class__
    FLOAT, COMPLEX, SET, NONE, BOOL = 0.0.__class__, 0j.__class__, {0}.__class__, None.__class__, (0 == 0).__class__
    FUNCTION, BUILTIN = read.__class__, STR.__new__.__class__
    GETSET, MEMBER = TYPE.__dict__['__name__'].__class__, TYPE.__dict__['__mro__'].__class__
    mro_of, name_in, qualname_in = TYPE.__dict__['__mro__'].__get__, TYPE.__dict__['__name__'].__get__, TYPE.__dict__['__qualname__'].__get__
    flags_of, module_of, names_of = TYPE.__dict__['__flags__'].__get__, TYPE.__dict__['__module__'].__get__, TYPE.__dict__['__dict__'].__get__
    VIEW = TYPE(names_of(STR))

    def builtin(name, kind):
        found = DICT.__getitem__(b, name)
        if TYPE(found) is not kind or (kind is TYPE and flags_of(found) & 512):
            raise b['ValueError']('the program has replaced the builtin ' + name + ', so nothing is read')
        return found

    OBJECT, PROPERTY, FROZENSET, BYTEARRAY = (builtin(n, TYPE) for n in ('object', 'property', 'frozenset', 'bytearray'))
    CLASSMETHOD, STATICMETHOD, EXCEPTION, RANGE = (builtin(n, TYPE) for n in ('classmethod', 'staticmethod', 'BaseException', 'range'))
    id, StopIteration, Exception = builtin('id', BUILTIN), builtin('StopIteration', TYPE), builtin('Exception', TYPE)
    ITEMS = (LIST, TUPLE, DICT, SET, FROZENSET)
    LIMIT, HEX = options
    ABSENT = [0]
    spent = [0]

    # in asks == of a class, which its metaclass may answer.
    def one_of(c, classes):
        for other in classes:
            if other is c:
                return True
        return False

    def exact(value):
        return value if TYPE(value) is STR else STR.__str__(value)

    def name_of(c):
        return exact(name_in(c))

    def qualname_of(c):
        return exact(qualname_in(c))

    # A class that only C code can have made: a static type, or one with Py_TPFLAGS_IMMUTABLETYPE.
    def c_made(c):
        return not flags_of(c) & 512 or flags_of(c) & 256

    def text_of_name(value):
        return value if TYPE(value) is STR else '?'

    def full_name(c):
        module = text_of_name(module_of(c))
        return qualname_of(c) if module == 'builtins' else module + '.' + qualname_of(c)

    # By id: a class is its own key only if its metaclass has no __hash__ and no __eq__.
    kinds, bases = {}, {}

    def c_kind(c):
        key = id(c)
        if key not in kinds:
            kinds[key] = full_name(c) if c_made(c) else ''
        return kinds[key]

    def base_of(value):
        key = id(TYPE(value))
        if key not in bases:
            bases[key] = find_base(TYPE(value))
        return bases[key]

    def find_base(kind):
        for c in mro_of(kind):
            if c is OBJECT or c is BOOL:
                return c
            for known in (STR, INT, FLOAT, COMPLEX, BYTES, BYTEARRAY, LIST, TUPLE, DICT, SET, FROZENSET, NONE, TYPE, EXCEPTION, RANGE):
                if c is known:
                    return c
            if c_made(c) and c_kind(c) in ('collections.deque', 'decimal.Decimal', 'datetime.date', 'datetime.timedelta', 'datetime.datetime', 'module'):
                return c
        return OBJECT

    def instance_names(value):
        for c in mro_of(TYPE(value)):
            for name, entry in raw(c):
                if TYPE(name) is STR and name == '__dict__' and one_of(TYPE(entry), (GETSET, MEMBER)):
                    found = entry.__get__(value)
                    return found if one_of(DICT, mro_of(TYPE(found))) else {}
        return {}

    # The dict of a class, out of its read-only view, without asking anything of a key.
    def raw(c):
        return VIEW.items(names_of(c))

    def pairs(mapping):
        if one_of(DICT, mro_of(TYPE(mapping))):
            return LIST(DICT.items(mapping))
        if c_made(TYPE(mapping)) and name_of(TYPE(mapping)) == 'FrameLocalsProxy':
            return LIST(TYPE(mapping).items(mapping))
        raise b['ValueError']('names in a ' + name_of(TYPE(mapping)) + ' are not read')

    def length(value, base):
        return base.__len__(value)

    def count_of(value):
        base = base_of(value)
        if one_of(base, ITEMS) or c_kind(base) == 'collections.deque':
            return length(value, base)
        return 0

    # The elements from start on, as (name, value, how to write it behind the parent's expression, key or ABSENT).
    def elements(value, start, count):
        base, found = base_of(value), []
        size = length(value, base)
        end = size if start + count > size else start + count
        if base is LIST or base is TUPLE:
            width = STR.__len__(INT.__repr__(size - 1))
            at = start
            for item in base.__getitem__(value, slice_of(start, end)):
                found.append((('0' * width + INT.__repr__(at))[-width:], item, '[' + INT.__repr__(at) + ']', ABSENT))
                at += 1
            return found
        at, source = -1, (DICT.items(value) if base is DICT else base.__iter__(value))
        width = STR.__len__(INT.__repr__(size - 1))
        for item in source:
            at += 1
            if at < start:
                continue
            if at >= end:
                break
            if base is DICT:
                key = item[0]
                known = literal(key)
                shown = text(key, 0 if known else 2)
                found.append((shown, item[1], '[' + shown + ']' if known else None, key))
            elif base is SET or base is FROZENSET:
                found.append((INT.__repr__(id(item)), item, None, ABSENT))
            else:
                found.append((('0' * width + INT.__repr__(at))[-width:], item, '[' + INT.__repr__(at) + ']', ABSENT))
        return found

    def slice_of(start, end):
        return builtin('slice', TYPE)(start, end)

    def literal(key):
        kind = TYPE(key)
        if kind is TUPLE:
            for part in key:
                if not literal(part):
                    return False
            return True
        if kind is STR or kind is BYTES:
            return kind.__len__(key) < LIMIT
        return kind is INT or kind is BOOL or kind is NONE or kind is FLOAT

    # Everything that is found by name: (name, value, suffix, note). A note replaces the value: it was not read.
    def named(value):
        base, found, seen = base_of(value), [], {}

        def add(name, entry, note=None):
            if TYPE(name) is STR and name not in seen:
                seen[name] = 1
                found.append((name, entry, '.' + name, note))

        if base is TYPE:
            for c in mro_of(value):
                if c is not OBJECT and c is not TYPE:
                    for name, entry in raw(c):
                        add(name, entry.__get__(None, value) if TYPE(entry) is STATICMETHOD else entry)
            return found
        if one_of(TYPE(value), (FUNCTION, BUILTIN, NONE)) or one_of(base, (STR, INT, BOOL, FLOAT, COMPLEX, BYTES, BYTEARRAY, RANGE)) and c_made(TYPE(value)):
            return found
        for name, entry in DICT.items(instance_names(value)):
            add(name, entry)
        if base is EXCEPTION:
            add('args', EXCEPTION.__dict__['args'].__get__(value))
            for name in ('__cause__', '__context__', '__traceback__'):
                add(name, EXCEPTION.__dict__[name].__get__(value))
        for c in mro_of(TYPE(value)):
            if c is OBJECT or c is base and base is not OBJECT or c is EXCEPTION:
                # Whether the value has a truth or a length of its own is all that is told of a builtin base.
                for name, entry in raw(c):
                    if c is not TYPE(value) and TYPE(name) is STR and (name == '__bool__' or name == '__len__'):
                        add(name, entry)
                break
            for name, entry in raw(c):
                if TYPE(name) is not STR or name in seen:
                    continue
                kind = TYPE(entry)
                if kind is MEMBER:
                    if name[:2] == '__' and name[-2:] == '__' or c_made(c) and c_kind(c)[:9] == 'builtins.':
                        continue
                    try:
                        add(name, entry.__get__(value))
                    except Exception:
                        seen[name] = 1
                elif c_made(c) and kind is GETSET:
                    continue
                elif c_kind(kind) == '_collections._tuplegetter':
                    add(name, kind.__get__(entry, value))
                elif one_of(PROPERTY, mro_of(kind)):
                    add(name, None, '<property, not read>')
                elif kind is FUNCTION or kind is CLASSMETHOD or kind is STATICMETHOD or kind is TYPE:
                    add(name, entry)
                elif name[:2] == '__' and name[-2:] == '__':
                    add(name, entry)
                elif has_get(kind):
                    add(name, None, '<computed by ' + name_of(kind) + ', not read>')
                else:
                    add(name, entry)
        return found

    def has_get(kind):
        return not one_of(kind, (STR, INT, BOOL, FLOAT, NONE, LIST, TUPLE, DICT)) and has_name(kind, '__get__')

    def group_of(name, value, note):
        if name[:2] == '__' and name[-2:] == '__' and STR.__len__(name) > 4:
            return 'special variables'
        if note is not None:
            return ''
        kind = TYPE(value)
        if one_of(TYPE, mro_of(kind)):
            return 'class variables'
        if one_of(kind, (FUNCTION, BUILTIN, CLASSMETHOD, STATICMETHOD)) or c_kind(kind) in ('method', 'method_descriptor', 'builtin_function_or_method', 'wrapper_descriptor', 'method-wrapper', 'classmethod_descriptor'):
            return 'function variables'
        return ''

`

const tail = String.raw`
    def json(value):
        if value is None:
            return 'null'
        if TYPE(value) is INT:
            return INT.__repr__(value)
        if TYPE(value) is LIST:
            return '[' + ','.join([json(part) for part in value]) + ']'
        if value.isascii() and value.isprintable() and '"' not in value and '\\' not in value:
            return '"' + value + '"'
        shown = ''
        for c in value:
            point = c.encode('utf-16-be', 'surrogatepass')
            if len2(point) == 2 and 31 < point[1] < 127 and point[0] == 0 and c != '"' and c != '\\':
                shown += c
            else:
                digits = point.hex()
                shown += '\\u' + digits[:4] + ('\\u' + digits[4:] if digits[4:] else '')
        return '"' + shown + '"'

    def len2(value):
        return BYTES.__len__(value)

    def frame_of():
        try:
            raise Exception
        except Exception as caught:
            frame = caught.__traceback__.tb_frame
        while frame is not None:
            if frame.f_code.co_name == 'evaluate_expression' and frame.f_code.co_filename.endswith('pydevd_vars.py'):
                return frame.f_locals['frame']
            frame = frame.f_back
        raise Exception('the frame was not found')

    def scope(frame, which):
        found = []
        for name, entry in pairs(frame.f_locals if which == 'L' else frame.f_globals):
            if TYPE(name) is not STR or name == '_pydev_stop_at_break':
                continue
            if name == '__pydevd_ret_val_dict':
                for returned, result in DICT.items(entry):
                    found.append(('(return) ' + returned, result, None, None))
                continue
            found.append((name, entry, name, None))
        return found

    # A path leads from the frame to a value: its scope, then for each step which child, and who that was when it was
    # shown. A value that has been replaced since is an error, never another value.
    def resolve(frame):
        value = ABSENT
        for kind, at, identity in path[1:]:
            entries = scope(frame, path[0]) if value is ABSENT and kind == 'n' else named(value) if kind == 'n' else None
            if entries is None:
                entries, at = elements(value, at, 1), 0
            if not -1 < at < LIST.__len__(entries) or id(entries[at][1]) != identity:
                raise Exception('the value has changed since it was shown')
            value = entries[at][1]
        return value

    def expandable(value, items):
        kind, base = TYPE(value), base_of(value)
        if items or base is TYPE or base is EXCEPTION:
            return 1
        if not c_made(kind):
            return 0 if base is INT and enum_name(value) else 1
        if base is not OBJECT or one_of(kind, (FUNCTION, BUILTIN)):
            return 1 if c_kind(base) == 'module' else 0
        return 1 if named(value) else 0

    def row(entry, at, kind):
        name, value, suffix, note = entry
        if note is not None and note is not ABSENT and kind == 'n':
            return [name, note, 'property', suffix, kind, at, 0, 0, 0]
        items = count_of(value)
        return [name, text(value), name_of(TYPE(value)), suffix, kind, at, id(value), items, expandable(value, items)]

    def answer():
        frame = frame_of()
        value = resolve(frame)
        rows, size, groups = [], 0, []
        if value is ABSENT:
            entries = scope(frame, path[0])
        else:
            entries, size = named(value), count_of(value)
        if what != 'items':
            at = -1
            for entry in entries:
                at += 1
                kind = group_of(entry[0], entry[1], entry[3])
                if kind == group:
                    rows.append(row(entry, at, 'n'))
                elif group == '' and kind not in groups:
                    groups.append(kind)
        if what != 'names' and size and group == '':
            at = start
            for name, item, suffix, key in elements(value, start, count):
                rows.append(row((name, item, suffix, None), at, 'i'))
                at += 1
        return '{"rows":' + json(rows) + ',"size":' + json(size) + ',"groups":' + json(groups) + '}'

    try:
        return answer()
    except Exception as problem:
        args = EXCEPTION.__dict__['args'].__get__(problem)
        said = args[0] if args and TYPE(args[0]) is STR else ''
        return '{"error":' + json(name_of(TYPE(problem)) + ': ' + said) + '}'
`

/** Comments and indentation are for us, not for the wire. */
export const readerSource = `${head}${readerText}${tail}`
  .split('\n')
  .filter((line) => line.trim() !== '' && !line.trim().startsWith('#'))
  .map((line) => line.replace(/^( {4})+/, (indent) => ' '.repeat(indent.length / 4)))
  .join('\n')
