"""Why a repository may not hold a file of this name, for readers of other languages. The module that says it, `catalog.paths`, knows no Django: scanners use it."""

from django.utils.translation import gettext_noop

from registry.web.sentences import Sentences

FILE_NAMES = Sentences(
    (
        gettext_noop("Invalid path: %(path)s is not an allowed file name: %(said_why)s."),
        gettext_noop(
            "Invalid path: %(path)s is longer than %(bytes)s bytes or more than %(parts)s folders deep."
        ),
        gettext_noop("Invalid path: %(path)s cannot stand beside the other files: %(said_why)s."),
        gettext_noop("it is the same file as %(name)s on many computers"),
        gettext_noop("its folder is the same as %(name)s on many computers"),
        gettext_noop("it is a file and a folder at once"),
        gettext_noop("it is empty"),
        gettext_noop("it is longer than %(count)s bytes"),
        gettext_noop("it holds a backslash"),
        gettext_noop("it starts at the root of the disk"),
        gettext_noop("it names a drive"),
        gettext_noop("it is more than %(count)s folders deep"),
        gettext_noop("it has an empty part"),
        gettext_noop("it has the part %(part)s"),
        gettext_noop("a part is longer than %(count)s bytes"),
        gettext_noop("a part starts with a space"),
        gettext_noop("a part ends with a space or a dot"),
        gettext_noop("it reaches into .git"),
        gettext_noop("Windows reserves it for a device"),
        gettext_noop("in its normal form %(said_why)s"),
        gettext_noop("it holds an invisible or direction-changing character"),
        gettext_noop("it holds a control character"),
        gettext_noop("it is not valid Unicode"),
        gettext_noop("it holds a private-use character"),
        gettext_noop("it holds an unassigned character"),
        gettext_noop("it holds a line separator"),
        gettext_noop("it holds a paragraph separator"),
    )
)
