"""A program in which nearly everything that could run says so, by a line in the file named by its first argument.

    hostile.py RAN --evaluate TEXTS.json    evaluates each text among the names; prints what came out and how much ran
    hostile.py RAN --scene SCENE.py LINES   writes a function of LINES lines, and runs it again and again
"""
import collections
import enum
import json
import os
import sys
import time
import types

RAN = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
armed = False


def ran(what, answer):
    if armed:
        os.write(RAN, (what + "\n").encode())
    return answer


def f(*args, **kwargs):
    return ran("f", 0)


def method(name, answer):
    return lambda self, *args, **kwargs: ran(name, answer)


ANSWERS = dict.fromkeys(
    "__repr__ __str__ __format__".split(), "hostile"
) | dict.fromkeys(
    "__eq__ __ne__ __lt__ __le__ __gt__ __ge__ __bool__ __contains__ __instancecheck__ __subclasscheck__".split(), True
) | dict.fromkeys(
    (
        "__call__ __getattr__ __getitem__ __missing__ __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ "
        "__rtruediv__ __floordiv__ __rfloordiv__ __mod__ __rmod__ __pow__ __rpow__ __lshift__ __rlshift__ __rshift__ "
        "__rrshift__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __neg__ __pos__ __invert__ __abs__ __matmul__ "
        "__rmatmul__ __index__ __int__ __len__ __hash__ __length_hint__ __next__ __delattr__ __setattr__"
    ).split(),
    1,
)
ANSWERS |= {"__float__": 1.0, "__dir__": [], "__bytes__": b"", "__await__": iter(()), "__get__": 1}


def hostile(bases=(), leave=(), **more):
    space = {name: method(name, answer) for name, answer in ANSWERS.items() if name not in leave}
    space["__iter__"] = lambda self: ran("__iter__", iter((1, 2)))
    space["prop"] = property(method("property", 1))
    space["plain"] = 1
    space["method"] = method("method", 1)
    space["__class__"] = property(method("__class__", int))
    space["__dict__"] = property(method("__dict__", {}))
    return {key: value for key, value in (space | more).items() if key not in leave}


MetaEvil = type("MetaMeta", (type,), hostile(leave=("__setattr__", "__class__", "__dict__", "__call__")))(
    "MetaEvil", (type,), hostile(leave=("__setattr__", "__class__", "__dict__", "__call__", "__missing__"), kind=1)
)
Evil = MetaEvil("Evil", (), hostile(leave=("__setattr__", "__dict__")))
evil = Evil()
evil.plain = 2


class EvilKey(str):
    def __hash__(self):
        return ran("key.__hash__", str.__hash__(self))

    def __eq__(self, other):
        return ran("key.__eq__", str.__eq__(self, other))


class Plain:
    kind = "plain"
    _private = 1

    def __init__(self):
        self.name, self.total, self.größe, self.print = "order", 5, 3, 1
        self.__secret = 7

    def method(self):
        return f()

    @property
    def prop(self):
        return f()


class Proxied:
    def __init__(self):
        object.__setattr__(self, "a", 1)

    def __getattribute__(self, name):
        return ran("__getattribute__", 1)


class Dictless:
    __slots__ = ()

    def __getattr__(self, name):
        return ran("__getattr__", 1)


class FakeDict:
    a = 1

    @property
    def __dict__(self):
        return ran("__dict__", {"a": 1})


class Sized:
    def __len__(self):
        return ran("__len__", 3)


class Slotted:
    __slots__ = ("a", "b")


class Colour(enum.Enum):
    RED = 1


class EvilDict(dict):
    __getitem__ = method("dict.__getitem__", 1)
    __contains__ = method("dict.__contains__", True)
    __iter__ = method("dict.__iter__", iter(()))
    __len__ = method("dict.__len__", 1)
    items = method("dict.items", ())
    keys = method("dict.keys", ())


def names():
    plain = Plain()
    plain.items = [Plain(), 2]
    plain.child = Plain()
    strange = type("Strange", (), {EvilKey("a"): 1})()
    strange.__dict__[EvilKey("name")] = 2
    fakedict, proxied, dictless, sized = FakeDict(), Proxied(), Dictless(), Sized()
    slotted = Slotted()
    slotted.a, slotted.b = 1, 2
    module = types.ModuleType("module")
    module.value = 3
    enumerated = Colour.RED
    collide = {EvilKey("k"): 1, evil: 2}
    d = {"k": 1, 1: "one", 3.5: None, None: 0, (1, 2): 3, evil: 4}
    evils = [evil, evil]
    evilstr = type("EvilStr", (str,), hostile(leave=("__class__", "__dict__")))("k")
    evilint = type("EvilInt", (int,), hostile(leave=("__class__", "__dict__")))(1)
    evillist = type("EvilList", (list,), hostile(leave=("__class__", "__dict__")))([1])
    evildict = EvilDict(k=1)
    sub = collections.OrderedDict(a=1)
    dd = collections.defaultdict(f, a=2)
    point = collections.namedtuple("Point", "x y")(1, 2)
    n, x, s, none, tr, lst = 5, 1.5, "abc", None, True, [1, 2, 3]
    _, _private, größe, 变量, match, case = 1, 2, 3, 4, 5, 6
    self = plain
    return dict(locals(), **SHADOWS)


# What a frame may call by the names of builtins.
SHADOWS = dict.fromkeys("object getattr isinstance issubclass str int repr list dict tuple bool abs map vars id".split(), f)


def write_scene(path, lines, scope):
    """A function with the names as locals, all set in line 2, and then `lines` lines to stop at, from line 3."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("def scene(names):\n    " + "; ".join(f"{name} = names[{name!r}]" for name in scope) + "\n")
        file.write("    line = 0\n" * lines + "    return line\n")
    with open(path, encoding="utf-8") as file:
        exec(compile(file.read(), path, "exec"), globals())


def evaluate(texts, scope):
    """What came out of each text, and how much of the program ran for it."""
    global armed
    out = []
    armed = True
    for text in texts:
        before = os.fstat(RAN).st_size
        try:
            answer = eval(text, globals(), dict(scope))
            known = type(answer) in (bool, int, float, str, bytes, type(None))
            answer = repr(answer) if known else "<object>"
        except BaseException as error:
            answer = "!" + type.__dict__["__name__"].__get__(type(error))
        out.append([answer, os.fstat(RAN).st_size - before])
    armed = False
    return out


def main():
    global armed
    scope = names()
    mode, path = sys.argv[2:4]
    if mode == "--evaluate":
        with open(path, encoding="utf-8") as file:
            print(json.dumps(evaluate(json.load(file), scope)))
        return
    write_scene(path, int(sys.argv[4]), scope)
    armed = True
    while True:
        scene(scope)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
