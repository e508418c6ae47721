"""The addresses of the pages. Repositories may be called almost anything, so they come last."""

from django.templatetags.static import static
from django.urls import path, register_converter
from django.utils.functional import lazy
from django.views.generic import RedirectView
from django.views.i18n import set_language

from registry.web.converters import (
    FileConverter,
    NameConverter,
    NumberConverter,
    PlaceConverter,
    RevisionConverter,
)
from registry.web.views import (
    access,
    access_groups,
    access_requests,
    addresses,
    campaigns,
    catalog,
    checks,
    devices,
    discussions,
    docs,
    documents,
    domains,
    duties,
    endings,
    exports,
    files,
    health,
    licenses,
    likes,
    operations,
    organisations,
    privacy,
    receipts,
    registers,
    repository,
    rescans,
    reviews,
    terms,
    texts,
    tokens,
    webhooks,
    why,
)

static_lazy = lazy(static, str)  # the list of static files is there only once the site runs

register_converter(NameConverter, "name")
register_converter(PlaceConverter, "place")
register_converter(RevisionConverter, "revision")
register_converter(FileConverter, "file")
register_converter(NumberConverter, "number")

# Before those of allauth, whose page it takes the place of
accounts = [path("email/", addresses.addresses, name="addresses")]
_organisation = "settings/organisations/<name:name>"
site = [
    path("", catalog.index, name="catalog"),
    path("datasets", catalog.datasets, name="datasets"),
    path("device", devices.device, name="device"),
    path("favicon.ico", RedirectView.as_view(url=static_lazy("img/mark.svg")), name="icon"),
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("docs/checks", docs.checks, name="docs-checks"),
    path("docs/glossary", docs.glossary, name="docs-glossary"),
    path("metrics", operations.figures, name="metrics"),
    path("operations", operations.index, name="operations"),
    path("operations/again/<slug:run_id>", operations.again, name="operations-again"),
    path(
        "operations/machines/<slug:host_id>/<slug:step>",
        operations.machine,
        name="operations-machine",
    ),
    path("licenses", licenses.index, name="licenses"),
    path("licenses/<slug:slug>", licenses.document, name="license"),
    path("licenses/<slug:slug>/<slug:sha256>.txt", licenses.text, name="license-text"),
    path(
        "licenses/<slug:slug>/separate-license",
        organisations.separate_license,
        name="separate-license",
    ),
    path("keys", receipts.keys, name="keys"),
    path("keys/<slug:key_id>", receipts.key, name="key"),
    path("receipts/<slug:receipt_id>", receipts.receipt, name="receipt"),
    path("receipts/<slug:receipt_id>.json", receipts.receipt_file, name="receipt-file"),
    path("review", reviews.queue, name="review-queue"),
    path("review/rescans", rescans.index, name="rescans"),
    path("review/rescans/<slug:rescan_id>", rescans.one, name="rescan"),
    path(
        "review/rescans/<slug:rescan_id>/runs/<slug:run_id>", rescans.report, name="rescan-report"
    ),
    path("review/rescans/<slug:rescan_id>/<slug:step>", rescans.decide, name="rescan-decide"),
    path("review/<slug:release_id>", reviews.release, name="release"),
    path("review/<slug:release_id>/<slug:step>", reviews.take_step, name="release-step"),
    path("settings/agreements", receipts.agreements, name="agreements"),
    path("settings/language", set_language, name="set-language"),
    path("settings/organisations", organisations.index, name="organisations"),
    path(_organisation, organisations.organisation, name="organisation"),
    path(
        f"{_organisation}/members/<slug:user_id>/role",
        organisations.set_role,
        name="organisation-role",
    ),
    path(
        f"{_organisation}/members/<slug:user_id>/remove",
        organisations.remove,
        name="organisation-remove",
    ),
    path(f"{_organisation}/domains", organisations.domains_of, name="organisation-domains"),
    path(
        f"{_organisation}/domains/<slug:domain_id>/withdraw",
        organisations.withdraw_domain,
        name="organisation-domain-withdraw",
    ),
    path(f"{_organisation}/adhere", organisations.adhere, name="organisation-adhere"),
    path(f"{_organisation}/signatures", registers.signatures, name="organisation-signatures"),
    path(f"{_organisation}/signatures.csv", registers.as_csv, name="organisation-register"),
    path(
        f"{_organisation}/signatures/<slug:signature_id>",
        registers.signature,
        name="organisation-signature",
    ),
    path("steward", RedirectView.as_view(pattern_name="steward-documents"), name="steward"),
    path("steward/documents", documents.index, name="steward-documents"),
    path("steward/documents/<slug:slug>", documents.document, name="steward-document"),
    path(
        "steward/documents/<slug:slug>/acceptance",
        documents.needs_acceptance,
        name="steward-document-acceptance",
    ),
    path("steward/new-document", documents.new, name="steward-document-new"),
    path("steward/texts", texts.index, name="steward-texts"),
    path("steward/texts/<slug:text_id>", texts.text, name="steward-text"),
    path("steward/texts/<slug:text_id>/take", texts.take, name="steward-text-take"),
    path("steward/texts/<slug:text_id>/dismiss", texts.dismiss, name="steward-text-dismiss"),
    path("steward/campaigns", campaigns.index, name="steward-campaigns"),
    path("steward/campaigns/new", campaigns.new, name="steward-campaign-new"),
    path("steward/campaigns/<slug:campaign_id>", campaigns.campaign, name="steward-campaign"),
    path(
        "steward/campaigns/<slug:campaign_id>/<slug:step>",
        campaigns.take_step,
        name="steward-campaign-step",
    ),
    path("steward/duties", duties.waiting, name="steward-duties"),
    path("steward/domains", domains.index, name="steward-domains"),
    path("steward/domains/<slug:domain_id>/<slug:step>", domains.decide, name="steward-domain"),
    path(
        "settings/agreements/<slug:acceptance_id>/give-back",
        endings.give_back,
        name="license-give-back",
    ),
    path(
        "settings/agreements/<slug:acceptance_id>/deleted",
        endings.deleted,
        name="deletion-confirm",
    ),
    path("settings/privacy", privacy.index, name="privacy"),
    path("settings/privacy/export", privacy.take, name="privacy-export"),
    path("steward/endings", endings.index, name="steward-endings"),
    path("steward/exports", exports.index, name="steward-exports"),
    path("steward/why", why.index, name="steward-why"),
    path("steward/people", privacy.of_others, name="steward-people"),
    path("settings/tokens", tokens.index, name="tokens"),
    path("settings/access-groups/<name:namespace>", access_groups.index, name="access-groups"),
    path(
        "settings/access-groups/<name:namespace>/<slug:group_id>/<slug:step>",
        access_groups.act,
        name="access-group-act",
    ),
    path("settings/webhooks", webhooks.index, name="webhooks"),
    path("settings/webhooks/<slug:webhook_id>", webhooks.webhook, name="webhook"),
    path("settings/webhooks/<slug:webhook_id>/<slug:step>", webhooks.act, name="webhook-act"),
    path("settings/tokens/<slug:token_id>/revoke", tokens.revoke, name="token-revoke"),
]

_here = "<place:namespace>/<name:name>"
_thread = f"{_here}/discussions/<number:number>"
_checks = f"{_here}/checks/<revision:revision>"
repositories = [
    path("<name:namespace>", catalog.namespace, name="namespace"),
    path(_here, repository.card, name="repository"),
    path(f"{_here}/tree/<revision:revision>", files.tree, name="repository-tree"),
    path(f"{_here}/tree/<revision:revision>/<file:path>", files.tree, name="repository-folder"),
    path(f"{_here}/blob/<revision:revision>/<file:path>", files.blob, name="repository-blob"),
    path(f"{_here}/commit/<revision:revision>", files.commit, name="repository-commit"),
    path(f"{_here}/checks", checks.page, name="repository-checks"),
    path(_checks, checks.page, name="repository-checks-revision"),
    path(f"{_checks}/report.json", checks.raw_report, name="repository-report"),
    path(f"{_checks}/attestation.json", checks.attestation, name="repository-attestation"),
    path(f"{_checks}/rerun", checks.rerun, name="repository-rerun"),
    path(f"{_checks}/cancel", checks.cancel, name="repository-cancel"),
    path(f"{_checks}/overrides/<str:check>", checks.override, name="check-override"),
    path(
        f"{_checks}/overrides/<str:override_id>/withdraw",
        checks.withdraw,
        name="check-override-withdraw",
    ),
    path(f"{_checks}/delete-files", checks.delete_files, name="check-delete-files"),
    path(f"{_here}/releases", repository.releases, name="repository-releases"),
    path(f"{_here}/releases/request", repository.request_release, name="release-request"),
    path(f"{_here}/discussions", discussions.index, name="discussions"),
    path(f"{_here}/discussions/new", discussions.new, name="discussion-new"),
    path(_thread, discussions.thread, name="discussion"),
    path(f"{_thread}/comment", discussions.comment, name="discussion-comment"),
    path(f"{_thread}/title", discussions.rename, name="discussion-title"),
    path(f"{_thread}/merge", discussions.merge, name="discussion-merge"),
    path(f"{_thread}/comment/<slug:event_id>/edit", discussions.edit, name="comment-edit"),
    path(f"{_thread}/comment/<slug:event_id>/hide", discussions.hide, name="comment-hide"),
    path(f"{_here}/duties", duties.of_repository, name="repository-duties"),
    path(f"{_here}/duties/preview", duties.preview, name="duties-preview"),
    path(f"{_here}/duties/mend", duties.mend, name="duties-mend"),
    path(
        f"{_here}/duties/<revision:revision>/<slug:rule>/decide",
        duties.decide,
        name="duty-decide",
    ),
    path(f"{_here}/license", repository.license_and_access, name="repository-license"),
    path(f"{_here}/terms", terms.accept, name="repository-terms"),
    path(f"{_here}/like", likes.like, name="repository-like"),
    path(f"{_here}/access", access.ask, name="repository-access"),
    path(f"{_here}/access/withdraw", access.withdraw, name="access-withdraw"),
    path(f"{_here}/access/answer", access.answer, name="access-answer"),
    path(
        f"{_here}/access/grants/<slug:grant_id>/ask-renewal",
        access.ask_renewal,
        name="access-ask-renewal",
    ),
    path(f"{_here}/requests", access_requests.manage, name="repository-requests"),
    path(f"{_here}/requests/decide", access_requests.decide, name="access-decide"),
    path(f"{_here}/requests/grant", access_requests.grant, name="access-grant"),
    path(f"{_here}/requests/export", exports.of_repository, name="access-export"),
    path(f"{_here}/requests/report.json", access_requests.report, name="access-report"),
    path(
        f"{_here}/requests/<slug:request_id>/ask-back",
        access_requests.ask_back,
        name="access-ask-back",
    ),
    path(
        f"{_here}/requests/grants/<slug:grant_id>/renew",
        access_requests.renew,
        name="access-renew",
    ),
    path(
        f"{_here}/requests/grants/<slug:grant_id>/revoke",
        access_requests.revoke,
        name="access-revoke",
    ),
]
