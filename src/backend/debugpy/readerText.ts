/** The part of the safe reader (readerSource.ts) that words a value as `repr` would, without asking the value. */
export const readerText = String.raw`
    def address(value):
        digits, number, found = '0123456789abcdef', id(value), ''
        while number:
            found, number = digits[number % 16] + found, number // 16
        return '0x' + found

    def cut(value, base):
        size = base.__len__(value)
        if size <= LIMIT:
            return base.__repr__(base.__getitem__(value, slice_of(0, size)))
        return base.__repr__(base.__getitem__(value, slice_of(0, LIMIT))) + '... (' + INT.__repr__(size) + ' long)'

    def number(value):
        if INT.bit_length(value) > 8192:
            return '<int of ' + INT.__repr__(INT.bit_length(value)) + ' bits>'
        value = INT.__add__(value, 0)
        if HEX:
            return INT.__format__(value, '#x')
        return INT.__repr__(value)

    def text(value, depth=0):
        spent[0] += 1
        kind, base = TYPE(value), base_of(value)
        if base is STR or base is BYTES or base is BYTEARRAY:
            return cut(value, base)
        if base is BOOL:
            return 'True' if value is (0 == 0) else 'False'
        if base is INT:
            return number(value) if not enum_name(value) else enum_text(value)
        if base is NONE:
            return 'None'
        if base is FLOAT or base is COMPLEX:
            return base.__repr__(value)
        if base is TYPE:
            return "<class '" + full_name(value) + "'>"
        if base is RANGE:
            parts = [text(RANGE.__dict__[n].__get__(value), depth + 1) for n in ('start', 'stop', 'step')]
            return 'range(' + ', '.join(parts if parts[2] != '1' else parts[:2]) + ')'
        if c_made(kind) and base is not OBJECT and c_kind(base) in ('decimal.Decimal', 'datetime.date', 'datetime.timedelta'):
            return base.__repr__(value)
        if c_made(kind) and c_kind(base) == 'datetime.datetime':
            if field(base, 'tzinfo').__get__(value) is None:
                return base.__repr__(value)
            fields = [INT.__repr__(field(base, n).__get__(value)) for n in ('year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond')]
            return 'datetime.datetime(' + ', '.join(fields) + ', tzinfo=...)'
        if c_kind(base) == 'module':
            for name, entry in DICT.items(instance_names(value)):
                if TYPE(name) is STR and name == '__name__' and TYPE(entry) is STR:
                    return '<module ' + STR.__repr__(entry) + '>'
            return '<module>'
        if one_of(base, ITEMS) or c_kind(base) == 'collections.deque':
            return container(value, base, depth)
        if kind is FUNCTION or kind is BUILTIN:
            return kind.__repr__(value) if kind is FUNCTION else '<built-in ' + text_of_name(BUILTIN.__dict__['__name__'].__get__(value)) + '>'
        if c_kind(kind) == 'method':
            return '<bound method ' + text(kind.__dict__['__func__'].__get__(value)) + '>'
        if base is EXCEPTION:
            args = EXCEPTION.__dict__['args'].__get__(value)
            return name_of(kind) + '(' + ', '.join([text(a, depth + 1) for a in TUPLE.__getitem__(args, slice_of(0, 5))]) + ')'
        return enum_text(value) if enum_name(value) else plain(value, depth)

    def field(c, wanted):
        for part in mro_of(c):
            for name, entry in raw(part):
                if TYPE(name) is STR and name == wanted:
                    return entry
        raise Exception('no ' + wanted)

    def enum_name(value):
        for c in mro_of(TYPE(value)):
            if module_of(c) == 'enum' if TYPE(module_of(c)) is STR else False:
                for name, entry in DICT.items(instance_names(value)):
                    if TYPE(name) is STR and name == '_name_' and TYPE(entry) is STR:
                        return entry
        return None

    def enum_text(value):
        for name, entry in DICT.items(instance_names(value)):
            if TYPE(name) is STR and name == '_value_':
                shown = '...' if not one_of(TYPE(entry), (INT, STR, BOOL, FLOAT, NONE)) else text(entry, 2)
                return '<' + name_of(TYPE(value)) + '.' + enum_name(value) + ': ' + shown + '>'
        return plain(value, 2)

    def plain(value, depth):
        kind = TYPE(value)
        if depth < 2 and spent[0] < 2000 and is_dataclass(kind):
            parts = [n + '=' + text(v, depth + 1) for n, v in DICT.items(instance_names(value)) if TYPE(n) is STR][:10]
            return qualname_of(kind) + '(' + ', '.join(parts) + ')'
        return '<' + full_name(kind) + ' object at ' + address(value) + '>'

    def is_dataclass(kind):
        return has_name(kind, '__dataclass_fields__')

    def is_named_tuple(kind):
        return has_name(kind, '_fields') and has_name(kind, '_field_defaults')

    def has_name(kind, wanted):
        for c in mro_of(kind):
            for name, entry in raw(c):
                if TYPE(name) is STR and name == wanted:
                    return True
        return False

    def container(value, base, depth):
        size = length(value, base)
        opening, closing = {LIST: '[]', TUPLE: '()', DICT: '{}', SET: '{}', FROZENSET: '{}'}.get(base, '[]')
        if size == 0 and base is SET:
            inner, opening, closing = '', 'set(', ')'
        elif depth > 1 or spent[0] > 2000:
            inner = '...' if size else ''
        else:
            parts = []
            for name, item, suffix, key in elements(value, 0, 20):
                shown = text(item, depth + 1)
                parts.append(text(key, depth + 1) + ': ' + shown if base is DICT else shown)
            if size > 20:
                parts.append('...')
            inner = ', '.join(parts) + (',' if base is TUPLE and size == 1 else '')
        if base is TUPLE and TYPE(value) is not base and depth < 2 and is_named_tuple(TYPE(value)):
            parts = [n + '=' + text(v, depth + 1) for n, v, s, note in named(value) if s is not None and n[:1] != '_' and group_of(n, v, note) == '']
            return name_of(TYPE(value)) + '(' + ', '.join(parts[:10]) + ')'
        plain_kind = TYPE(value) is base and one_of(base, (LIST, TUPLE, DICT, SET))
        return opening + inner + closing if plain_kind else name_of(TYPE(value)) + '(' + opening + inner + closing + ')'

`
