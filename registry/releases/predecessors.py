"""What the public had from a branch before a release of it."""

from registry.releases.models import Release, Status


def of(release: Release) -> Release | None:
    """The newest release of an older commit of the same branch that stands."""
    return (
        Release.objects.filter(
            repository=release.repository_id,
            branch=release.branch,
            status=Status.RELEASED,
            revision__lt=release.revision_id,
        )
        .select_related("revision__repository__namespace")
        .order_by("-revision_id")
        .first()
    )
