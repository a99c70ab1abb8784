"""The functions' source as a tree of names: modules, functions, classes, and what imports mean."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.infrastructure.synthesis import ROOT

ROOM = "lambdas"
Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Unit:
    """A piece of code that runs as one: a function, a method, or a module's own statements."""

    module: str
    name: str
    nodes: tuple[ast.AST, ...] = field(compare=False, repr=False)
    owner: str | None = None

    def walk(self) -> Iterator[ast.AST]:
        """Yield every node, those of nested functions and lambdas among them."""
        for node in self.nodes:
            yield from ast.walk(node)


@dataclass
class Module:
    """One source file."""

    name: str
    imports: dict[str, str]
    functions: dict[str, Definition]
    classes: dict[str, ast.ClassDef]
    body: Unit


def _imports(tree: ast.AST) -> dict[str, str]:
    """Return local name -> dotted name of what it stands for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = alias.name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _module(name: str, tree: ast.Module) -> Module:
    functions = {row.name: row for row in tree.body if isinstance(row, Definition)}
    classes = {row.name: row for row in tree.body if isinstance(row, ast.ClassDef)}
    rest = tuple(row for row in tree.body if not isinstance(row, Definition | ast.ClassDef))
    # A decorated function is handed to its decorator while the module is loaded: routes.
    routes = tuple(
        row
        for row in functions.values()
        if any(isinstance(mark, ast.Call | ast.Attribute) for mark in row.decorator_list)
    )
    body = Unit(name, "", rest + routes)
    return Module(name, _imports(tree), functions, classes, body)


class Index:
    """All modules of the room, and resolution of names in them."""

    def __init__(self, root: Path = ROOT) -> None:
        self.modules: dict[str, Module] = {}
        for path in sorted((root / ROOM).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            self.modules[name] = _module(name, ast.parse(path.read_text(), str(path)))

    def _own(self, dotted: str) -> str | None:
        """Return a dotted name when it is a module, function or class of the room."""
        if dotted in self.modules:
            return dotted
        module, _, name = dotted.rpartition(".")
        found = self.modules.get(module)
        if found and (name in found.functions or name in found.classes):
            return dotted
        return None

    def resolve(self, module: str, node: ast.AST) -> str | None:
        """Return the dotted name of ours that an expression names, None when it names none."""
        if isinstance(node, ast.Name):
            target = self.modules[module].imports.get(node.id, f"{module}.{node.id}")
            return self._own(target)
        if isinstance(node, ast.Attribute):
            base = self.resolve(module, node.value)
            return self._own(f"{base}.{node.attr}") if base else None
        return None

    def is_class(self, dotted: str) -> bool:
        """Tell whether a dotted name is a class of ours."""
        module, _, name = dotted.rpartition(".")
        return module in self.modules and name in self.modules[module].classes

    def classes_in(self, module: str, annotation: ast.AST | None) -> set[str]:
        """Return the classes of ours that an annotation names."""
        if annotation is None:
            return set()
        found = set()
        for node in ast.walk(annotation):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= self.classes_in(module, ast.parse(node.value, mode="eval").body)
            elif (name := self.resolve(module, node)) and self.is_class(name):
                found.add(name)
        return found

    def function(self, dotted: str) -> Unit | None:
        """Return a function of ours."""
        module, _, name = dotted.rpartition(".")
        node = self.modules[module].functions.get(name) if module in self.modules else None
        return Unit(module, name, (node,)) if node else None

    def methods(self, dotted: str) -> dict[str, Unit]:
        """Return the methods of a class of ours, those of its bases among them."""
        module, _, name = dotted.rpartition(".")
        node = self.modules[module].classes[name]
        found: dict[str, Unit] = {}
        for base in node.bases:
            if (target := self.resolve(module, base)) and self.is_class(target):
                found |= self.methods(target)
        rows = (row for row in node.body if isinstance(row, Definition))
        return found | {
            row.name: Unit(module, f"{name}.{row.name}", (row,), dotted) for row in rows
        }

    def fields(self, dotted: str) -> dict[str, set[str]]:
        """Return field -> classes of ours that its annotation names."""
        module, _, name = dotted.rpartition(".")
        return {
            row.target.id: self.classes_in(module, row.annotation)
            for row in self.modules[module].classes[name].body
            if isinstance(row, ast.AnnAssign) and isinstance(row.target, ast.Name)
        }
