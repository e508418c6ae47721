"""What is kept in English beside terms and runs of checks, for readers of other languages: why a
document applies, why a job did not run, and how the weights of two models compare."""

from django.utils.translation import gettext_noop

from registry.web.sentences import Sentences

WHY_IT_APPLIES = Sentences(
    (
        gettext_noop("Every download from this site is under its own policy."),
        gettext_noop("%(title)s includes this policy."),
        gettext_noop("The model card names this license."),
        gettext_noop("The link to the license in the model card leads to its text."),
        gettext_noop("The model card names “%(title)s”, which refers to this license."),
        gettext_noop("It is inherited from %(names)s too."),
        gettext_noop("Inherited from %(names)s, whose “%(title)s” refers to this license."),
        gettext_noop("Inherited from %(names)s, which this model comes from."),
        gettext_noop("Only the tag says so: %(names)s is not known here."),
    )
)
OF_RUNS = Sentences(
    (
        gettext_noop("Cancelled by a site maintainer."),
        gettext_noop("Cancelled by a site maintainer: %(reason)s."),
        gettext_noop("Cancelled by somebody who may write the repository."),
        gettext_noop("Cancelled by somebody who may write the repository: %(reason)s."),
        gettext_noop("Not run: the checks were cancelled."),
        gettext_noop("Not run: there is no model in it to load."),
        gettext_noop("Not run: %(checks)s has to be mended first."),
        gettext_noop("Not run: a newer revision took its place."),
        gettext_noop("Not run: the scanners failed."),
        gettext_noop("Not run: the smoke test failed."),
        gettext_noop("The worker was lost; the test runs again (attempt %(number)s)."),
        gettext_noop("The worker was lost (attempt %(number)s of %(most)s)."),
        gettext_noop("%(said_reason)s; the test runs again (attempt %(number)s)."),
        gettext_noop("%(said_reason)s (attempt %(number)s of %(most)s)."),
        gettext_noop("nothing was measured of the weights"),
        gettext_noop("what was measured is of no use: %(error)s"),
        gettext_noop("No matrix has the same name and shape."),
        gettext_noop("Cosine %(cosine)s over %(count)s matrices, %(share)s of them alike."),
        gettext_noop(
            "Cosine %(cosine)s over %(count)s matrices, %(share)s of them alike, embeddings %(gram)s."
        ),
        gettext_noop(
            "Cosine %(cosine)s over %(count)s matrices, %(share)s of them alike, hidden units found again elsewhere."
        ),
        gettext_noop(
            "Cosine %(cosine)s over %(count)s matrices, %(share)s of them alike, embeddings %(gram)s, hidden units found again elsewhere."
        ),
    )
)
