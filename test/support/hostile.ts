/**
 * A program whose objects run code whenever they are looked at carelessly, and count it: `tick N ran M`. What a debugger
 * does to show a value is `repr`, `len`, properties, `__class__`, `__dir__`, `__getattr__`, iteration, `items()`, `==`.
 */
export const hostileProgram = `
import sys, time, enum, collections, dataclasses, datetime, decimal, types
ran = []
def run(what):
    ran.append(what)
class Meta(type):
    def __eq__(c, o): run('Meta.__eq__'); return False
    def __hash__(c): run('Meta.__hash__'); return 3
    def __getattribute__(c, n): run('Meta.__getattribute__'); return type.__getattribute__(c, n)
    def __instancecheck__(c, o): run('Meta.__instancecheck__'); return False
    def __subclasscheck__(c, o): run('Meta.__subclasscheck__'); return False
    def __repr__(c): run('Meta.__repr__'); return 'M'
class Hostile:
    kind = 'class attribute'
    def __init__(self): self.__dict__['plain'] = 1; self.__dict__['_Hostile__secret'] = 's'
    def __getattribute__(self, n):
        if n != '__dict__': run('__getattribute__ ' + n)
        return object.__getattribute__(self, n)
    def __getattr__(self, n): run('__getattr__'); raise AttributeError(n)
    def __repr__(self): run('__repr__'); return 'x'
    def __str__(self): run('__str__'); return 'x'
    def __len__(self): run('__len__'); return 3
    def __iter__(self): run('__iter__'); return iter(())
    def __getitem__(self, i): run('__getitem__'); raise IndexError(i)
    def __eq__(self, o): run('__eq__'); return False
    def __hash__(self): run('__hash__'); return 7
    def __bool__(self): run('__bool__'); return True
    def __dir__(self): run('__dir__'); return []
    @property
    def prop(self): run('property'); return 3
    @property
    def __class__(self): run('__class__'); return int
class OfMeta(metaclass=Meta):
    pass
class MyDict(dict):
    def items(self): run('items'); return []
    def __iter__(self): run('dict.__iter__'); return iter(())
    def __len__(self): run('dict.__len__'); return 0
class MyList(list):
    def __iter__(self): run('list.__iter__'); return iter(())
    def __len__(self): run('list.__len__'); return 0
    def __getitem__(self, i): run('list.__getitem__')
class MyStr(str):
    def __str__(self): run('str.__str__'); return 'q'
    def __repr__(self): run('str.__repr__'); return 'q'
    def __radd__(self, o): run('str.__radd__'); return 'q'
    def __eq__(self, o): run('str.__eq__'); return False
    def __hash__(self): run('str.__hash__'); return 1
class MyInt(int):
    def __repr__(self): run('int.__repr__'); return 'q'
    def __index__(self): run('int.__index__'); return 1
class Descriptor:
    def __get__(self, *a): run('__get__')
class Described:
    descriptor = Descriptor()
class Hard(Exception):
    def __str__(self): run('exception.__str__'); return 'q'
    def __repr__(self): run('exception.__repr__'); return 'q'
class Slots:
    __slots__ = ('one', 'unset')
    def __init__(self): self.one = 1
class Color(enum.Enum):
    RED = 1
Point = collections.namedtuple('Point', 'x y')
@dataclasses.dataclass
class Data:
    a: int
    b: list
def look(n):
    # Names that a reader in Python would want to use.
    type = exec = len = id = dict = str = object = getattr = builtins = json = None
    h = Hostile(); nested = [h, {h: h}, (h, [h])]; m = OfMeta(); d = MyDict(a=h); l = MyList([h, 2])
    s = MyStr('sub'); i = MyInt(5); keyed = {MyStr('k'): 1, 'k': 2, (1, 'a'): 3}; desc = Described(); e = Hard('args', h)
    slots = Slots(); color = Color.RED; point = Point(1, [2]); data = Data(1, ['x']); classes = [Hostile, OfMeta]
    deque = collections.deque(range(150)); ordered = collections.OrderedDict(a=1); default = collections.defaultdict(list, k=[1])
    some = {1, 2}; frozen = frozenset([3]); none = None; yes = True; half = 1.5; comp = 2j; raw = b'\\xff\\x00'; array = bytearray(b'xy')
    when = datetime.datetime(2026, 11, 24, 12, 30); price = decimal.Decimal('9.95'); module = types; big = 10 ** 3000
    text = 'q"\\'\\\\\\n\\u00e9\\U0001f600 .__x @LINE@'; long = 'x' * 10000; fn = look; method = data.__init__; gen = (x for x in ())
    items = builtin_list(range(100000)); wide = {'k%d' % k: k for k in builtin_range(600)}; empty = []; one = (1,)
    ran.clear()
    print('tick', n, flush=True)  # BREAK
    print('ran', builtin_len(ran), ran[:5], flush=True)  # AFTER
    time.sleep(0.05)
builtin_list, builtin_range, builtin_len = list, range, len
n = 0
while True:
    n += 1
    look(n)
`
