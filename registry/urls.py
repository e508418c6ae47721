"""Which app answers which address. Exact names come first; a repository may be called almost anything."""

from django.urls import include, path

from registry.web.urls import accounts, repositories, site

handler403 = "registry.web.views.errors.forbidden"
handler404 = "registry.web.views.errors.not_found"
handler500 = "registry.web.views.errors.server_error"

urlpatterns = [
    path("accounts/", include(accounts)),
    path("accounts/", include("allauth.account.urls")),
    path("api/v1/", include("registry.api.urls")),
    path("", include(site)),
    path("", include("registry.hub.urls")),
    path("", include(repositories)),
]
