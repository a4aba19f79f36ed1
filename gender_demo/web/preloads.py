"""What the first page needs, named in its HTML: fetched at once, not in five steps.

gradio's scripts say what they need only when they run, so on a slow line each step waits for the
step before, and each small style sheet takes a turn of its own. Which files these are stands in
those scripts, as Vite writes it; where it cannot be read, the page loads as gradio has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import gradio as gr
from gradio.blocks import Block
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gender_demo.web.static_files import (
    SERVED_BELOW,
    STATIC,
    UNCHANGING,
    digest,
    module_address,
)

FRONTEND = Path(gr.__file__).parent / "templates" / "frontend"
SHEET = f"{SERVED_BELOW}{digest()}/gradio.css"
"""Address of all style sheets in one."""
ENTRY = re.compile(r"assets/(index-[\w-]+\.js)")
NEEDED = re.compile(r"m\.f=\[([^\]]*)\]")
IMPORT = re.compile(r"import\(`\./([\w.-]+\.js)`\)[^_]{0,60}?,__vite__mapDeps\(\[([\d,]*)\]\)")
COMPONENT = r"[{,]%s:\{[^{}]*component:\(\)=>\w+\(\(\)=>import\(`\./([\w.-]+\.js)`\)"
OWN_IMPORT = re.compile(r'^import [^;]* from "\./([\w.]+)"', re.MULTILINE)


def preload_links(blocks: gr.Blocks, loaded: Iterable[str]) -> str:
    """HTML for the body's end: the scripts of the first tab are fetched. The style sheets, which
    are ``loaded``, are not, and gradio, which finds them named, does not ask for them again."""
    scripts = [*(f"assets/{name}" for name in _scripts(blocks)), *_live_scripts()]
    return "".join(
        [f'<link rel="preload" as="style" href="theme.css?v={blocks.theme_hash}">']
        + [f'<link rel="modulepreload" href="{address}">' for address in scripts]
        + [f'<link rel="stylesheet" href="./assets/{name}" disabled>' for name in loaded]
    )


def sheet_link() -> str:
    """HTML of SHEET, after all that is to be seen before gradio's style sheets are there."""
    return f'<link rel="stylesheet" href="{SHEET.lstrip("/")}">'


def sheet_route() -> Route:
    """The route of SHEET."""

    async def answer(request: Request) -> Response:
        text = "\n".join(map(_read, sheets(request.app.get_blocks())))
        return Response(text, media_type="text/css", headers=UNCHANGING)

    return Route(SHEET, answer)


def sheets(blocks: gr.Blocks) -> list[str]:
    """Names of gradio's style sheets for the whole page."""
    return [name for name in _files(_kinds(blocks.blocks.values())) if name.endswith(".css")]


def _scripts(blocks: gr.Blocks) -> list[str]:
    first = filter(_on_first_tab, blocks.blocks.values())
    return [name for name in _files(_kinds(first)) if name.endswith(".js")]


def _kinds(blocks: Iterable[Block]) -> tuple[str, ...]:
    shown = (block for block in blocks if getattr(block, "visible", True))
    return tuple(sorted({block.get_block_name() for block in shown}))


def _on_first_tab(block: Block) -> bool:
    """Whether it stands there or outside of all tabs."""
    parent = block.parent
    hidden = isinstance(parent, gr.Tabs) and parent.children[0] is not block
    return not hidden and (parent is None or _on_first_tab(parent))


@cache
def _live_scripts() -> list[str]:
    names = ["live.js"]
    for name in names:
        needed = OWN_IMPORT.findall((STATIC / "js" / name).read_text(encoding="utf-8"))
        names += [other for other in needed if other not in names]
    return [module_address(name) for name in names]


@cache
def _files(kinds: tuple[str, ...]) -> list[str]:
    """What gradio loads from ``assets`` for components of these kinds, in the order of its use."""
    entry = ENTRY.search((FRONTEND / "index.html").read_text(encoding="utf-8"))
    script, names = entry[1] if entry else "", []
    for part in ("Index-", "Blocks-"):
        names.append(script)
        found = (needs for name, needs in _needs(script).items() if name.startswith(part))
        needs = next(found, [""])
        script = needs[0]
        names += needs
    core = next((name for name in names if re.fullmatch(r"core-.*\.js", name)), "")
    text, needs_of = _read(core), _needs(core)
    for kind in kinds:
        if component := re.search(COMPONENT % kind, text):
            names += needs_of.get(component[1], ())
    return [name for name in dict.fromkeys(names) if (FRONTEND / "assets" / name).is_file()]


def _needs(script: str) -> Mapping[str, list[str]]:
    """Each script that this one may load, and all that is loaded with it, itself first."""
    text = _read(script)
    listed = NEEDED.search(text)
    files = re.findall(r'"\./([^"]+)"', listed[1]) if listed else []
    return {
        name: [files[int(at)] for at in needs.split(",") if at]
        for name, needs in IMPORT.findall(text)
    }


def _read(name: str) -> str:
    path = FRONTEND / "assets" / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""
