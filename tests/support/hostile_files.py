"""Seeded hostile file names, tables, archives and environments, and what they are given to.

Each ``try_`` function gives a hostile thing to the code that a command gives it to, and returns
what is wrong: None where it was read, or refused in one sentence.
"""

from __future__ import annotations

import csv
import io
import os
import random
import tarfile
import tempfile
import warnings
import zipfile
from contextlib import redirect_stderr
from pathlib import Path
from typing import Literal
from unittest import mock

from PIL import Image

import app
from gender_demo.cli.sources import find_files, read_list
from gender_demo.errors import LayoutError
from gender_demo.files.names import free_name, name_key, printable
from gender_demo.web.environment import clean_environment
from train.data.readers.factory import LAYOUTS, read_records

PIECES = (
    *("a", "b", "man", "woman", "train", "valid", "é", "e\u0301", "😀", "\u202e", "\x1b[2J", "\n"),
    *("..", ".", " ", "CON", "nul", "C:", "\\", "=1+1", "'", '"', ",", ";", "\t", "%20", "~"),
    *("$HOME", "x" * 120, "\udcfc", "@eaDir", "__MACOSX", ".jpg", ".PNG", ".zip", "COM¹", "conin$"),
    *(
        "﹦1",
        "\u200b",
        "\u3000",
        "ᾳ\u0301",
        "?v=2",
        "#top",
        "---",
        "file://",
        "NA",
        "0.0",
        "\ufeff",
    ),
)
CODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1", "cp1252", "shift_jis", "utf-32")
HEADERS: tuple[list[str], ...] = (
    ["path", "label"], ["", "path", "label"], ["path", "label", "label"], ["a", "b"], [],
    ["file name", "Sex", "split", "person"],
)  # fmt: skip
VALUES = (
    *("", "1", "true", "/", "/gone", "::", "[::1]", "0.0.0.0", "socks5://127.0.0.1:9", "*", "%"),
    *("http://a:b@c:x", "tcp://10.0.0.1:80", "70000", "-1", "x" * 5000, "é", "\udcff", "a b", "~"),
    *("${HOME}", "http://localhost", "7860 ", "0x50", "/faces//", "../x"),
)
VARIABLES = (
    *("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT", "GRADIO_ROOT_PATH", "GRADIO_DEBUG"),
    *("GRADIO_SHARE_SERVER_ADDRESS", "GRADIO_SHARE", "GRADIO_TEMP_DIR", "HTTP_PROXY", "ALL_PROXY"),
    *("no_proxy", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "SPACE_ID", "SSLKEYLOGFILE"),
    *("WEB_CONCURRENCY", "GRADIO_NUM_PORTS", "GRADIO_ALLOWED_PATHS"),
)


class HostileFiles:
    """Makes one hostile thing after another, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        file = io.BytesIO()
        Image.new("RGB", (8, 8), "teal").save(file, "PNG")
        self.png = file.getvalue()

    def name(self) -> str:
        """A name, with folders or without."""
        parts = self.random.choices(PIECES, k=self.random.choice([1, 2, 3, 6]))
        return self.random.choice(["", "/", "/"]).join(parts) + self.random.choice(["", ".png"])

    def table(self, names: list[str]) -> bytes:
        """A CSV with a line for each of the names, or what is left of one."""
        r, text = self.random, io.StringIO()
        writer = csv.writer(
            text,
            delimiter=r.choice(",;\t|^"),
            quotechar=r.choice("\"'"),
            lineterminator=r.choice(["\n", "\r\n", "\r"]),
        )
        writer.writerow(r.choice(HEADERS))
        for name in names:
            label = r.choice(["man", "woman", "Man", "nan", "", "7"])
            more = r.choice([[], ["train"], ["tes"], ["x"] * 40])
            writer.writerow([name.encode("utf-8", "replace").decode(), label, *more])
        return self.damaged(text.getvalue().encode(r.choice(CODINGS), "replace"))

    def damaged(self, data: bytes) -> bytes:
        """As it is, cut short, with other bits or with other bytes before it."""
        r, bits = self.random, bytearray(data)
        if bits and r.random() < 0.3:
            for _ in range(r.choice([1, 5, 50])):
                bits[r.randrange(len(bits))] ^= 1 << r.randrange(8)
        kept = bytes(bits)
        return r.choice([kept, kept, kept, kept[: r.randrange(len(kept) + 1)], b"\0" * 9 + kept])

    def archive(self, names: list[str]) -> bytes:
        """A zip or tar of all names."""
        r, file = self.random, io.BytesIO()
        mode: Literal["w", "w:gz", "w:xz"] = r.choice(["w", "w:gz", "w:xz"])
        if r.random() < 0.5:
            with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as packed:
                warnings.simplefilter("ignore")  # names stand twice
                for name in names:
                    entry = zipfile.ZipInfo(name.encode("utf-8", "replace").decode() or "x")
                    entry.external_attr = r.choice([0, 0, 0, 0, 0, 0o120777 << 16])
                    packed.writestr(entry, self.table(names) if name.endswith("csv") else self.png)
        else:
            with tarfile.open(fileobj=file, mode=mode) as tar:
                for name in names:
                    info = tarfile.TarInfo(name)
                    info.size = len(self.png)
                    info.type = r.choice([tarfile.REGTYPE] * 8 + [tarfile.LNKTYPE, tarfile.DIRTYPE])
                    tar.addfile(info, io.BytesIO(self.png))
        return self.damaged(file.getvalue())

    def try_data_set(self) -> str | None:
        """A folder, archive or table, read as ``train prepare`` reads it."""
        r = self.random
        names = [f"{'man' if i % 2 else 'woman'}/{i}.png" for i in range(4)]
        names += [self.name() for _ in range(r.choice([0, 1, 4]))]
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "set")
            for name in names[:4]:
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_bytes(self.png)
            ending = r.choice([".zip", ".tar", ".tgz", ".txz", ".csv", ".csv", ""])
            source = root / f"packed{ending}" if ending else root
            if ending:
                made = self.table(names) if ending == ".csv" else self.archive([*names, "l.csv"])
                source.write_bytes(made)
            layout = r.choice([*LAYOUTS, "folder", "csv", "csv"])
            try:
                reading = read_records(layout, source, scratch=Path(folder, "scratch"))
                for record in reading.records:
                    if isinstance(record.content, Path):
                        record.content.resolve().relative_to(root.resolve())
                left = [
                    path for path in Path(folder).iterdir() if path.name not in ("set", "scratch")
                ]
                return f"{left} lie outside" if left else None
            except (LayoutError, OSError) as error:
                said = printable(str(error))  # as prepare prints it
                return f"no sentence: {said[:300]!r}" if len(said) > 2000 else None
            except Exception as error:
                return f"{layout} {source.name}: {type(error).__name__} {error}"

    def try_names(self) -> str | None:
        """A list on standard input, and the names of the results."""
        names = [self.name() for _ in range(9)]
        data = self.damaged("\n".join(names).encode(self.random.choice(CODINGS), "replace"))
        try:
            given = [one for one in read_list(data) if one != "-" and not os.path.isdir(one)]
            list(find_files(given))
            taken = set[str]()
            for name in names:
                free = free_name(name, taken)
                if "/" in free or "\\" in free or len(free.encode()) > 143:
                    return f"{free!r} cannot be written"
                taken.add(name_key(free))
            return None if len(taken) == len(names) else f"{names} collide"
        except Exception as error:
            return f"{names}: {type(error).__name__} {error}"

    def try_environment(self) -> str | None:
        """Variables, as the app meets them before it starts."""
        r = self.random
        chosen = {name: r.choice(VALUES) for name in r.sample(VARIABLES, r.choice([1, 3, 8]))}
        try:
            with mock.patch.dict(os.environ, chosen), redirect_stderr(io.StringIO()) as said:
                try:
                    flags = app.parse_flags([])
                except SystemExit as ended:
                    return None if ended.code == 2 and "error: " in said.getvalue() else str(chosen)
                app.check_port(flags.host, flags.port)
                clean_environment(flags.host, share=r.random() < 0.5)
                left = [
                    name for name in os.environ if name.startswith("GRADIO_") and name in chosen
                ]
                return f"{left} are left of {chosen}" if left else None
        except Exception as error:
            return f"{chosen}: {type(error).__name__} {error}"
