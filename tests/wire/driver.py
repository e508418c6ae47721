"""Runs inside any version of the client: reads one call a line, answers with one line of JSON."""

import base64
import dataclasses
import json
import sys


def plain(value, depth=0):
    if value is None or type(value) in (bool, int, float, str):
        return value
    if depth > 6:
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item, depth + 1) for item in value]
    if hasattr(value, "__next__"):
        return [plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) or type(value).__module__.startswith("huggingface_hub"):
        return {key: plain(item, depth + 1) for key, item in vars(value).items()}
    return str(value)


def operations(wanted):
    import huggingface_hub

    for _, rest in wanted:
        if "base64" in rest:
            rest["path_or_fileobj"] = base64.b64decode(rest.pop("base64"))
    return [getattr(huggingface_hub, kind)(**rest) for kind, rest in wanted]


def call(method, arguments):
    import huggingface_hub

    api = huggingface_hub.HfApi(endpoint=ENDPOINT, token=TOKEN)
    if method == "has":
        return hasattr(api, arguments["name"])
    if method == "read_range":
        files = huggingface_hub.HfFileSystem(endpoint=ENDPOINT, token=TOKEN)
        with files.open(arguments["path"], "rb", block_size=arguments["block"]) as file:
            file.seek(arguments["start"])
            return file.read(arguments["length"]).hex()
    if method == "ls":
        files = huggingface_hub.HfFileSystem(endpoint=ENDPOINT, token=TOKEN)
        return plain(files.ls(arguments["path"], detail=False))
    if method == "remove_lfs_files":
        repo_id, filename = arguments["repo_id"], arguments["filename"]
        gone = [file for file in api.list_lfs_files(repo_id) if file.filename == filename]
        return api.permanently_delete_lfs_files(repo_id, gone)
    if "operations" in arguments:
        arguments["operations"] = operations(arguments["operations"])
    result = getattr(api, method)(**arguments)
    if hasattr(result, "__next__"):
        result = list(result)
    return plain(result)


def main():
    for line in sys.stdin:
        wanted = json.loads(line)
        try:
            answer = {"result": call(wanted["method"], wanted["arguments"])}
        except Exception as error:  # the test decides what it makes of it
            chain = []
            cause = error
            while cause is not None and len(chain) < 5:
                chain.append(str(cause))
                cause = cause.__cause__ or cause.__context__
            answer = {
                "error": [kind.__name__ for kind in type(error).__mro__],
                "message": "\n".join(chain),
            }
        print("\x1e" + json.dumps(answer), flush=True)  # noqa: T201 - the answer


ENDPOINT, TOKEN = sys.argv[1], sys.argv[2] or False
main()
