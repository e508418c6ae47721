"""Every address of the wire and the endpoint behind it, matched against the path as it was sent."""

from django.urls import URLPattern, path, register_converter

from registry.catalog.models import RepositoryType
from registry.hub import (
    access,
    addresses,
    commits,
    discussions,
    files,
    headers,
    identity,
    info,
    lfs,
    lfs_files,
    likes,
    listing,
    oauth,
    profiles,
    quantizations,
    refs,
    repos,
    small,
    tree,
    uploads,
    webhooks,
    wire,
    xet,
)

register_converter(addresses.Segment, "wire_part")
register_converter(addresses.RevisionSegment, "wire_rev")
register_converter(addresses.RepositoryId, "wire_id")
register_converter(addresses.FilePath, "wire_path")
register_converter(addresses.Plural, "wire_type")

_API = "api/<wire_type:kind>/<wire_id:repo_id>"
_THREAD = f"{_API}/discussions/<wire_part:number>"
# A name without a namespace is no repository here, and gets the answer that says so
_API_ALONE = "api/<wire_type:kind>/<wire_part:repo_id>"


def _of_files(prefix: str, kind: str) -> list[URLPattern]:
    """The addresses of files, which have no prefix for models."""
    at = {"kind": kind}
    here = f"{prefix}<wire_id:repo_id>"
    return [
        path(f"{here}/resolve/<wire_rev:revision>/<wire_path:path>", files.resolve, at),
        path(f"{here}/raw/<wire_rev:revision>/<wire_path:path>", files.raw, at),
        path(f"{here}/ask-access", access.ask, at),
        path(f"{here}/user-access-report", access.report, at),
        path(f"{here}.git/info/lfs/objects/batch", lfs.batch, at),
        path(f"{here}.git/info/lfs/objects/verify", lfs.verify, at),
        path(
            f"{prefix}<wire_part:repo_id>/resolve/<wire_rev:revision>/<wire_path:path>",
            files.resolve,
            at,
        ),
    ]


urlpatterns = [
    path("api/whoami-v2", identity.whoami),
    path("oauth/device", oauth.device),
    path("oauth/token", oauth.token),
    path("api/settings/webhooks", wire.by_method(GET=webhooks.index, POST=webhooks.create)),
    path(
        "api/settings/webhooks/<wire_part:webhook_id>",
        wire.by_method(GET=webhooks.show, POST=webhooks.update, DELETE=webhooks.delete),
    ),
    path("api/settings/webhooks/<wire_part:webhook_id>/enable", webhooks.switch, {"to": "enable"}),
    path(
        "api/settings/webhooks/<wire_part:webhook_id>/disable", webhooks.switch, {"to": "disable"}
    ),
    path("api/settings/repositories", profiles.own_repositories),
    path("api/users/<wire_part:name>/overview", profiles.person),
    path("api/users/<wire_part:name>/likes", likes.of_person),
    path("api/organizations/<wire_part:name>/overview", profiles.organisation),
    path("api/organizations/<wire_part:name>/members", profiles.members),
    path("api/organizations/<wire_part:name>/settings/repositories", profiles.repositories_of),
    path("api/<wire_type:kind>-tags-by-type", small.tags_by_type),
    path("api/telemetry", small.telemetry),
    path("api/telemetry/<wire_path:topic>", small.telemetry),
    path("v1/telemetry", small.telemetry),  # what the Xet library says of a session
    path("api/agent-harnesses", small.agent_harnesses),
    path("api/validate-yaml", repos.validate_yaml),
    path("api/repos/create", repos.create),
    path("api/repos/move", repos.move),
    path("api/repos/delete", repos.delete),
    path("api/<wire_type:kind>", listing.models),
    path(f"{_API}/settings", repos.settings),
    path(f"{_API}/like", wire.by_method(POST=likes.like, DELETE=likes.unlike)),
    path(f"{_API}/likers", likes.likers),
    path(f"{_API}/duplicate", repos.duplicate),
    path(f"{_API}/refs", refs.refs),
    path(f"{_API}/auth-check", files.auth_check),
    path(f"{_API}/auth-check/write", files.auth_check_write),
    path(f"{_API}/user-access-request/handle", access.handle),
    path(f"{_API}/user-access-request/grant", access.grant),
    path(f"{_API}/user-access-request/cancel", access.cancel),
    path(f"{_API}/user-access-request/<wire_part:state>", access.listed),
    path(f"{_API}/lfs-files", lfs_files.listed),
    path(f"{_API}/lfs-files/batch", lfs_files.remove),
    path(f"{_API}/lfs-files/duplicate", lfs_files.duplicate),
    path(f"{_API}/revision/<wire_rev:revision>", info.revision_info),
    path(f"{_API}/tree/<wire_rev:revision>", tree.tree),
    path(f"{_API}/tree/<wire_rev:revision>/<wire_path:path>", tree.tree),
    path(f"{_API}/paths-info/<wire_rev:revision>", tree.paths_info),
    path(f"{_API}/commits/<wire_rev:revision>", refs.commits),
    path(f"{_API}/super-squash/<wire_rev:revision>", refs.super_squash),
    path(f"{_API}/safetensors-metadata/<wire_path:path>", headers.sharded),
    path(f"{_API}/preupload/<wire_rev:revision>", uploads.preupload),
    path(f"{_API}/xet-write-token/<wire_rev:revision>", xet.write_token),
    path(f"{_API}/commit/<wire_rev:revision>", commits.commit),
    path(
        f"{_API}/branch/<wire_rev:name>",
        wire.by_method(POST=refs.create_branch, DELETE=refs.delete_branch),
    ),
    path(
        f"{_API}/tag/<wire_rev:name>", wire.by_method(POST=refs.create_tag, DELETE=refs.delete_tag)
    ),
    path(
        f"{_API}/discussions",
        wire.by_method(GET=discussions.discussions, POST=discussions.create),
    ),
    path(_THREAD, discussions.details),
    path(f"{_THREAD}/comment", discussions.comment),
    path(f"{_THREAD}/comment/<wire_part:event_id>/edit", discussions.edit),
    path(f"{_THREAD}/comment/<wire_part:event_id>/hide", discussions.hide),
    path(f"{_THREAD}/title", discussions.title),
    path(f"{_THREAD}/status", discussions.status),
    path(f"{_THREAD}/merge", discussions.merge),
    path(_API, info.info),
    path(f"{_API_ALONE}/revision/<wire_rev:revision>", info.revision_info),
    path(_API_ALONE, info.info),
    path("lfs/objects/<wire_part:oid>", lfs.put),
    path("lfs/uploads/<wire_part:upload>", lfs.complete),
    path("lfs/uploads/<wire_part:upload>/<wire_part:number>", lfs.put_part),
    path("v2/<wire_id:repo_id>/manifests/<wire_part:tag>", quantizations.manifest),
]
# Clients spell these in several ways
_SPACE = "xet/<wire_part:space>"
for _begin in (_SPACE, f"{_SPACE}/v1"):
    urlpatterns += [
        path(f"{_begin}/xorbs/default/<wire_part:digest>", xet.xorb),
        path(f"{_begin}/shards", xet.shard),
        path(f"{_begin}/chunks/<wire_part:prefix>/<wire_part:digest>", xet.chunk),
    ]
urlpatterns += [
    path(f"{_SPACE}/xorb/default/<wire_part:digest>", xet.xorb),
    path(f"{_SPACE}/shard/default/<wire_part:digest>", xet.shard),
    path(f"{_SPACE}/chunk/<wire_part:prefix>/<wire_part:digest>", xet.chunk),
    path(f"{_SPACE}/v1/telemetry", xet.telemetry),
]
for _kind in RepositoryType.values:
    urlpatterns += _of_files("" if _kind == RepositoryType.MODEL else f"{_kind}s/", _kind)
