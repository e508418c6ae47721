"""Every address of the wire and the endpoint behind it, matched against the path as it was sent."""

from django.urls import URLPattern, path, register_converter

from registry.catalog.models import RepositoryType
from registry.hub import (
    addresses,
    commits,
    files,
    identity,
    info,
    lfs,
    listing,
    refs,
    repos,
    tree,
    uploads,
    wire,
)

register_converter(addresses.Segment, "segment")
register_converter(addresses.RevisionSegment, "rev")
register_converter(addresses.RepositoryId, "id")
register_converter(addresses.FilePath, "file")
register_converter(addresses.Plural, "plural")

_API = "api/<plural:kind>/<id:repo_id>"
# A name without a namespace is no repository here, and gets the answer that says so
_API_ALONE = "api/<plural:kind>/<segment:repo_id>"


def _of_files(prefix: str, kind: str) -> list[URLPattern]:
    """The addresses of files, which have no prefix for models."""
    at = {"kind": kind}
    here = f"{prefix}<id:repo_id>"
    return [
        path(f"{here}/resolve/<rev:revision>/<file:path>", files.resolve, at),
        path(f"{here}/raw/<rev:revision>/<file:path>", files.raw, at),
        path(f"{here}.git/info/lfs/objects/batch", lfs.batch, at),
        path(f"{here}.git/info/lfs/objects/verify", lfs.verify, at),
        path(f"{prefix}<segment:repo_id>/resolve/<rev:revision>/<file:path>", files.resolve, at),
    ]


urlpatterns = [
    path("api/whoami-v2", identity.whoami),
    path("api/validate-yaml", repos.validate_yaml),
    path("api/repos/create", repos.create),
    path("api/repos/delete", repos.delete),
    path("api/<plural:kind>", listing.models),
    path(f"{_API}/settings", repos.settings),
    path(f"{_API}/refs", refs.refs),
    path(f"{_API}/auth-check", files.auth_check),
    path(f"{_API}/auth-check/write", files.auth_check_write),
    path(f"{_API}/revision/<rev:revision>", info.revision_info),
    path(f"{_API}/tree/<rev:revision>", tree.tree),
    path(f"{_API}/tree/<rev:revision>/<file:path>", tree.tree),
    path(f"{_API}/paths-info/<rev:revision>", tree.paths_info),
    path(f"{_API}/commits/<rev:revision>", refs.commits),
    path(f"{_API}/preupload/<rev:revision>", uploads.preupload),
    path(f"{_API}/commit/<rev:revision>", commits.commit),
    path(
        f"{_API}/branch/<rev:name>",
        wire.by_method(POST=refs.create_branch, DELETE=refs.delete_branch),
    ),
    path(f"{_API}/tag/<rev:name>", wire.by_method(POST=refs.create_tag, DELETE=refs.delete_tag)),
    path(_API, info.info),
    path(f"{_API_ALONE}/revision/<rev:revision>", info.revision_info),
    path(_API_ALONE, info.info),
    path("lfs/objects/<segment:oid>", lfs.put),
]
for _kind in RepositoryType.values:
    urlpatterns += _of_files("" if _kind == RepositoryType.MODEL else f"{_kind}s/", _kind)
