"""Which names look alike to a person although they are not the same to the letter."""

import unicodedata

# Letters of other scripts, each before the Latin letter that it is drawn as
_DRAWN_AS = (
    "аa вb еe гr іi јj кk мm нh оo рp сc ԁd ѕs тt уy хx һh ԛq ԝw ьb ӏl зe "
    "αa βb εe ηn ιi κk νv οo ρp τt υu χx ωw γy ϲc ϳj ɑa ɡg ɩi օo ոn սu հh "
    "łl øo đd ıi"
)
_LATIN = {ord(one[0]): one[1] for one in _DRAWN_AS.split(" ")}
# Two letters that together look like another
PAIRS = (("rn", "m"), ("vv", "w"))
_ALIKE = str.maketrans("01i|", "olll")


def skeleton(name: str) -> str:
    """What is left of a name when letters that look alike are one, without accents, spaces and
    signs: names with the same skeleton can be taken for each other."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    letters = folded.translate(_LATIN).translate(_ALIKE)
    kept = "".join(one for one in letters if one.isalnum() or one == "+")
    for letters, letter in PAIRS:
        kept = kept.replace(letters, letter)
    return kept
