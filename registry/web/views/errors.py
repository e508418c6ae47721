"""The pages for what went wrong. Each names the request, so that an operator can find it in the log."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "errors/403.html", {"reason": str(exception or "")}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """One answer for what is not there and for what this visitor may not know of."""
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if "text/html" not in request.headers.get("Accept", ""):
        sentence = "Something broke on our side; nothing was half done. Try again in a minute."
        return JsonResponse({"error": sentence}, status=500)
    # Without the request: its context may need the very thing that broke
    page = render_to_string(
        "errors/500.html",
        {"site_name": settings.SITE_NAME, "request_id": getattr(request, "request_id", "")},
    )
    return HttpResponse(page, status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "errors/csrf.html", status=403)
