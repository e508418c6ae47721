"""Files that act when they are opened: pickles of every kind, programs, code."""

import io
import pickle
import struct
import zipfile
import zlib

from tests.checks import models
from tests.checks.corpus.case import Case, Files, beside, hostile

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def pickled(name: str, protocol: int = 2) -> bytes:
    """The call, written opcode by opcode."""
    module, _, function = name.rpartition(".")
    if protocol < 4:
        head = b"" if protocol < 2 else bytes([0x80, protocol])
        return head + f"c{module}\n{function}\n(S'id'\ntR.".encode()
    texts = b"".join(bytes([0x8C, len(text)]) + text.encode() for text in (module, function))
    return bytes([0x80, protocol]) + texts + b"\x93\x8c\x02id\x85R."


def container(data: bytes, *, stored: bool = True, extra: dict[str, bytes] | None = None) -> bytes:
    """A zip as torch writes it: nothing is packed, and the sizes follow the data."""
    members = {"model/data.pkl": data, **(extra or {})}
    if not stored:
        return packed(members)
    body, directory = b"", b""
    for name, content in members.items():
        crc, size, raw = zlib.crc32(content), len(content), name.encode()
        directory += b"PK\x01\x02" + struct.pack("<4H", 0, 0, 0x0808, 0) + b"\0" * 4
        directory += struct.pack("<3I2H", crc, size, size, len(raw), 0) + b"\0" * 10
        directory += struct.pack("<I", len(body)) + raw
        body += b"PK\x03\x04" + struct.pack("<3H", 0, 0x0808, 0) + b"\0" * 16
        body += struct.pack("<2H", len(raw), 0) + raw + content
        body += b"PK\x07\x08" + struct.pack("<3I", crc, size, size)
    count = len(members)
    end = struct.pack("<4H2IH", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def packed(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def legacy(data: bytes) -> bytes:
    parts = (LEGACY_MAGIC, 1001, {"little_endian": True})
    return b"".join(pickle.dumps(part, 2) for part in parts) + data + pickle.dumps([], 2)


GADGETS = [
    "os.system",
    "posix.system",
    "nt.system",
    "subprocess.Popen",
    "builtins.eval",
    "builtins.exec",
    "builtins.getattr",
    "runpy._run_code",
    "importlib.import_module",
    "pty.spawn",
    "webbrowser.open",
    "socket.create_connection",
    "code.InteractiveInterpreter.runcode",
    "pip.main",
    "pydoc.pipepager",
    "bdb.Bdb.run",
    "timeit.timeit",
    "asyncio.unix_events._UnixSubprocessTransport._start",
    "operator.attrgetter",
    "functools.partial",
    "torch.load",
    "torch.jit.load",
    "torch.utils.model_zoo.load_url",
    "torch._dynamo.guards.GuardBuilder.get",
    "numpy.load",
    "numpy.testing._private.utils.runstring",
    "joblib.load",
    "dill.loads",
    "cloudpickle.loads",
    "collections.defaultdict",
    "collections.OrderedDict.__init__",
    "torch._utils._rebuild_tensor_v3",
    "torch.serialization.load",
    "__main__.Own",
    "shutil.rmtree",
    "urllib.request.urlretrieve",
    "ctypes.CDLL",
]
OPCODES = {
    "inst": b"(S'id'\nios\nsystem\n.",
    "obj": b"(cos\nsystem\nS'id'\no.",
    "newobj": b"\x80\x02cos\nsystem\n)\x81.",
    "newobj_ex": b"\x80\x04cos\nsystem\n)}\x92.",
    "ext": b"\x80\x02\x82\x01.",
    "persid": b"Pevil\n.",
    "dup": b"\x80\x02}2.",
    "build": b"\x80\x02ccollections\nOrderedDict\n)R}X\x08\x00\x00\x00popitem1K\x01sb.",
    "computed_name": b"\x80\x04\x8c\x02os\x94h\x00\x8c\x06system\x93\x8c\x02id\x85R.",
}
BROKEN = {
    "cut_off": pickled("os.system")[:-3],
    "trailing": b"\x80\x02}.}.",
    "stack_left": b"\x80\x02}}.",
    "long_frame": b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"}.",
    "lying_length": b"\x80\x02X" + struct.pack("<I", 2**31) + b"a.",
    "memo": b"\x80\x02h\x05.",
    "list_on_top": b"\x80\x02].",
}
PICKLE = "SEC-PICKLE SEC-PICKLE-PARSE SEC-CONTAINER SEC-MAGIC"


def in_bin(data: bytes) -> Files:
    return {"README.md": models.CARD, "pytorch_model.bin": data}


def cases() -> list[Case]:
    found: list[Case] = []
    for gadget in GADGETS:
        files = in_bin(container(pickled(gadget)))
        found += hostile("gadget", "SEC-PICKLE", **{gadget: lambda files=files: files})
    for protocol in range(6):
        data = pickled("os.system", protocol)
        places = {
            "bare": in_bin(data),
            "zip": in_bin(container(data)),
            "packed": in_bin(container(data, stored=False)),
            "legacy": in_bin(legacy(data)),
            "pth": {"original/consolidated.00.pth": data, "README.md": models.CARD},
            "text": {"notes.txt": data, "README.md": models.CARD},
            "tokenizer": {"tokenizer.model": data, "README.md": models.CARD},
        }
        for place, files in places.items():
            name = f"protocol {protocol} {place}"
            found += hostile("pickle", PICKLE, **{name: lambda files=files: files})
    for name, data in OPCODES.items():
        found += hostile("opcode", PICKLE, **{name: lambda data=data: in_bin(container(data))})
    for name, data in BROKEN.items():
        found += hostile(
            "broken pickle",
            "SEC-PICKLE-PARSE SEC-PICKLE",
            **{name: lambda data=data: in_bin(container(data))},
        )
    return found + _containers() + _refused() + _programs()


def _containers() -> list[Case]:
    sound = container(b"\x80\x02}.")
    return hostile(
        "container",
        "SEC-CONTAINER",
        second_pickle=lambda: in_bin(container(b"\x80\x02}.", extra={"model/data2.pkl": b"N."})),
        other_folder=lambda: in_bin(container(b"\x80\x02}.", extra={"other/version": b"3"})),
        slip=lambda: in_bin(container(b"\x80\x02}.", extra={"../data.pkl": b"N."})),
        code=lambda: in_bin(container(b"\x80\x02}.", extra={"model/code/a.py": b"pass"})),
        prefix=lambda: in_bin(b"PK" + sound),
        after=lambda: in_bin(sound + b"more"),
        packed=lambda: in_bin(container(b"\x80\x02}.", stored=False)),
    )


def _refused() -> list[Case]:
    names = [
        "a.pkl",
        "a.pickle",
        "a.joblib",
        "a.dill",
        "a.pt",
        "a.ckpt",
        "training_args.bin",
        "a.npy",
        "a.npz",
        "a.h5",
        "a.keras",
        "saved_model.pb",
        "a.tflite",
        "a.onnx",
        "a.onnx_data",
        "a.nemo",
        "a.skops",
        "a.llamafile",
        "a.mar",
        "a.zip",
        "a.tar",
        "a.tar.gz",
        "a.7z",
        "a.rar",
        "a.xz",
        "a.bz2",
        "a.py",
        "a.ipynb",
        "a.sh",
        "a.js",
        "a.exe",
        "a.dll",
        "a.so",
        "a.wasm",
        "a.html",
    ]
    return [
        case
        for name in names
        for case in hostile(
            "refused type", "UPL-TYPE", **{name: lambda name=name: models.llama() | {name: b"x"}}
        )
    ]


def _programs() -> list[Case]:
    programs = {
        "elf": b"\x7fELF" + b"\0" * 99,
        "pe": b"MZ" + b"\0" * 99,
        "mach-o": b"\xcf\xfa\xed\xfe" + b"\0" * 40,
        "wasm": b"\0asm\1\0\0\0",
        "script": b"#!/bin/sh\nid\n",
    }
    found: list[Case] = []
    for name, data in programs.items():
        for place in ("notes.txt", "tokenizer.model", "model.gguf", "a.png", "pytorch_model.bin"):
            found += hostile(
                "program",
                "SEC-NATIVE",
                **{f"{name} in {place}": lambda p=place, d=data: models.llama() | {p: d}},
            )
    code = "SEC-CODE"
    own = {"AutoModel": "modeling_own.Own"}
    return (
        found
        + hostile(
            "remote code",
            code,
            config=lambda: models.llama(config=models.config(auto_map=own)),
            deep=lambda: models.llama(config=models.config(a=[{"b": {"auto_map": own}}])),
            tokenizer=lambda: models.llama(
                tokenizer_config=b'{"auto_map": {"AutoTokenizer": ["own.T", null]}}'
            ),
            processor=lambda: beside(processor_config__json=b'{"auto_map": {"A": "b.C"}}'),
            pipelines=lambda: models.llama(config=models.config(custom_pipelines={"a": {}})),
            generation=lambda: beside(custom_generate___generate__py=b"pass"),
            module=lambda: beside(modeling_own__py=b"pass"),
        )
        + hostile(
            "dangerous configuration",
            "SEC-CONFIG",
            trust=lambda: models.llama(config=models.config(trust_remote_code=True)),
            kernel=lambda: models.llama(config=models.config(attn_implementation="a/kernel")),
            experts=lambda: models.llama(config=models.config(experts_implementation="a/k")),
            kernels=lambda: models.llama(config=models.config(use_kernels=True)),
            outside=lambda: models.llama(config=models.config(vocab_file="../../etc/passwd")),
            address=lambda: models.llama(config=models.config(weights="https://h.example/w")),
            mapping=lambda: beside(
                adapter_config__json=b'{"auto_mapping": {"base_model_class": "os.system"}}'
            ),
        )
    )
