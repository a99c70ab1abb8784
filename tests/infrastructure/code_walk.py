"""Which of the code a function can run, from its handler on: reached by names, not by running.

A method counts as reached when its name is used on something that holds an instance of its class.
What a name holds is taken from annotations, from keyword arguments and from assignments; where
that says nothing, every class made so far that has such a method counts, unless the name is one
that Python's own containers and files have as well.
"""

import ast
import io
from collections import defaultdict
from collections.abc import Iterator

from tests.infrastructure.code_index import Definition, Index, Unit

BUILTIN = {name for kind in (dict, list, set, str, bytes, io.BytesIO) for name in dir(kind)}


class Walk:
    """The units that one handler reaches."""

    def __init__(self, index: Index, handler: str) -> None:
        self.index = index
        self.units: dict[Unit, None] = {}
        self.made: set[str] = set()
        self.holds: dict[str, set[str]] = defaultdict(set)
        self.calls: dict[Unit, list[tuple[Unit, ast.Call]]] = defaultdict(list)
        self.makers: dict[str, list[tuple[Unit, ast.Call]]] = defaultdict(list)
        start = index.function(f"{handler}.handler")
        assert start, f"{handler} has no handler"
        self._load(handler)
        self._reach(start)
        before = -1
        while before != (now := self._size()):
            before = now
            self.calls.clear()
            self.makers.clear()
            for unit in list(self.units):
                self._read(unit)

    def _size(self) -> int:
        return len(self.units) + len(self.made) + sum(map(len, self.holds.values()))

    def _load(self, module: str) -> None:
        body = self.index.modules[module].body
        if body not in self.units:
            self.units[body] = None

    def _reach(self, unit: Unit) -> None:
        self._load(unit.module)
        self.units[unit] = None

    def _class(self, dotted: str) -> None:
        if dotted in self.made:
            return
        self.made.add(dotted)
        self._load(dotted.rpartition(".")[0])
        for name, classes in self.index.fields(dotted).items():
            self.holds[name.lstrip("_")] |= classes
        for name, unit in self.index.methods(dotted).items():
            if name.startswith("__"):
                self._reach(unit)

    def _named(self, dotted: str) -> None:
        if self.index.is_class(dotted):
            self._class(dotted)
        elif unit := self.index.function(dotted):
            self._reach(unit)
        else:
            self._load(dotted)

    def _read(self, unit: Unit) -> None:
        for node in unit.walk():
            if isinstance(node, Definition):
                self._hold_arguments(unit, node)
            elif isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                self._hold_assigned(unit, node)
            elif isinstance(node, ast.Call):
                self._hold_keywords(unit, node)
                self._note_call(unit, node)
            if dotted := self.index.resolve(unit.module, node):
                self._named(dotted)
            elif isinstance(node, ast.Attribute):
                for target in self.targets(unit, node):
                    self._reach(target)

    def _hold_arguments(self, unit: Unit, node: Definition) -> None:
        for row in [*node.args.args, *node.args.kwonlyargs]:
            self.holds[row.arg.lstrip("_")] |= self.index.classes_in(unit.module, row.annotation)

    def _hold_assigned(self, unit: Unit, node: ast.Assign | ast.AnnAssign | ast.NamedExpr) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        classes = self.classes_of(unit, node.value) if node.value is not None else set()
        for target in targets:
            if name := _last_name(target):
                self.holds[name] |= classes

    def _hold_keywords(self, unit: Unit, node: ast.Call) -> None:
        for row in node.keywords:
            if row.arg:
                self.holds[row.arg.lstrip("_")] |= self.classes_of(unit, row.value)

    def _note_call(self, unit: Unit, node: ast.Call) -> None:
        dotted = self.index.resolve(unit.module, node.func)
        if dotted and self.index.is_class(dotted):
            self.makers[dotted].append((unit, node))
        elif dotted and (target := self.index.function(dotted)):
            self.calls[target].append((unit, node))
        elif isinstance(node.func, ast.Attribute):
            for target in self.targets(unit, node.func):
                self.calls[target].append((unit, node))

    def classes_of(self, unit: Unit, node: ast.AST) -> set[str]:
        """Return the classes of ours that an expression may be an instance of."""
        if isinstance(node, ast.Call):
            dotted = self.index.resolve(unit.module, node.func)
            if dotted and self.index.is_class(dotted):
                return {dotted}
            if dotted and (target := self.index.function(dotted)):
                (definition,) = target.nodes
                assert isinstance(definition, Definition)
                return self.index.classes_in(target.module, definition.returns)
            return set()
        if isinstance(node, ast.Name) and node.id in ("self", "cls") and unit.owner:
            return {unit.owner}
        return set(self.holds.get(_last_name(node) or "", ()))

    def targets(self, unit: Unit, node: ast.Attribute) -> Iterator[Unit]:
        """Yield the methods of ours that an attribute may be."""
        known = self.classes_of(unit, node.value)
        if not known and node.attr not in BUILTIN:
            known = self.made
        for dotted in sorted(known):
            if method := self.index.methods(dotted).get(node.attr):
                yield method


def _last_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id.lstrip("_")
    return node.attr.lstrip("_") if isinstance(node, ast.Attribute) else None
