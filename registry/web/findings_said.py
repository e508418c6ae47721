"""What the checks found, in the reader's language. Reports keep it in English and are signed with that;
what no sentence here says stays English, such as the words of a library."""

from registry.web.file_reasons import OF_FILES
from registry.web.finding_sentences import SENTENCES
from registry.web.path_words import FILE_NAMES
from registry.web.run_reasons import OF_RUNS
from registry.web.sentences import Sentences

FINDINGS = Sentences(dict.fromkeys((*SENTENCES, *OF_FILES, *OF_RUNS, *FILE_NAMES.texts)))
