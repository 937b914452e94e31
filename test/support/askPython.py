"""What CPython says of expressions: reads a JSON list of requests from stdin, writes the answers as JSON.

{"names": {...sources}, "cases": [{"text", "parenthesized"?, "guard"?}]}: whether `text` is one expression, whether
`parenthesized` parses to the same tree, the repr and type of its value (or the name of its error), and what `guard` is.
"""
import ast
import json
import sys
import warnings

warnings.simplefilter("ignore")


def value(text, names):
    try:
        answer = eval(text, {"__builtins__": {"len": len, "type": type, "abs": abs, "bool": bool}}, dict(names))
    except BaseException as error:
        return {"error": type(error).__name__}
    return {"repr": repr(answer), "type": type(answer).__name__, "true": bool(answer)}


class Flatten(ast.NodeTransformer):
    """`(a and b) and c` is `a and b and c`."""

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        first = node.values[0]
        if isinstance(first, ast.BoolOp) and type(first.op) is type(node.op):
            node.values[:1] = first.values
        return node


def tree(text):
    try:
        parsed = Flatten().visit(ast.parse(text, mode="eval"))
        # A `u'a'` is marked as such, and means the same.
        return ast.dump(parsed).replace(", kind='u'", "")
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        return "!" + type(error).__name__


def answer(case, names):
    text = case["text"].strip(" \t\r\n")
    parsed = tree(text)
    out = {"parses": not parsed.startswith("!")}
    if "parenthesized" in case:
        out["same"] = parsed == tree(case["parenthesized"])
    if "guard" in case:
        out["guard"] = value(case["guard"], names)
    if case.get("evaluate"):
        out["value"] = value(text, names)
    return out


request = json.load(sys.stdin)
names = {name: eval(source) for name, source in request["names"].items()}
print(json.dumps({
    "names": {name: {"repr": repr(each), "type": type(each).__name__} for name, each in names.items()},
    "cases": [answer(case, names) for case in request["cases"]],
}))
