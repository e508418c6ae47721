"""The notes of the facts, marked for translation: what happened to a family, what a variant or a community
model is worth knowing for, and where sources disagree. Pages translate them where they show them."""

from django.utils.functional import Promise
from django.utils.translation import gettext_noop, pgettext_lazy

NOTES = (
    gettext_noop("weights posted as a torrent on a message board about a week after release"),
    gettext_noop("takedown notice against a download helper on a code host"),
    gettext_noop("the leaked package was reported to contain a code that identifies the leaker"),
    gettext_noop("not stated"),
    gettext_noop("new mix of public online data, 2T tokens"),
    gettext_noop("none, says the card"),
    gettext_noop("near-deduplicated public code and some text about code"),
    gettext_noop("new mix of public online data, 15T+ tokens"),
    gettext_noop(
        "publisher announced an exception for US national-security agencies and contractors and for four allied countries, although the policy text still bars military use"
    ),
    gettext_noop("public sources, about 15T tokens; over 25M synthetic tuning examples"),
    gettext_noop("quantized 1B and 3B models added"),
    gettext_noop("public sources up to 9T tokens (text); 6B image-text pairs (vision)"),
    gettext_noop(
        "a public arena ranking turned out to rest on an experimental chat build, not on the published weights"
    ),
    gettext_noop("public and licensed data plus data from the publisher's products"),
    gettext_noop("yes: public Instagram and Facebook posts and chats with the Meta AI assistant"),
    gettext_noop("tuned on 16K tokens, usable up to about 100K"),
    gettext_noop("grows from the unreleased Llama 2 34B"),
    gettext_noop(
        "the card leaves it out of the 16K tuning; one third-party configuration list still gives 16384"
    ),
    gettext_noop("no separate pretrained checkpoint was published"),
    gettext_noop(
        "published as a difference to the base weights, since the base could not be passed on; research use only"
    ),
    gettext_noop("code is Apache-2.0; the README names no license for the adapter"),
    gettext_noop("README points to the license of Llama 2"),
    gettext_noop("README ties the use to the LLaMA license; the code is MIT"),
    gettext_noop("RLHF with REINFORCE"),
    gettext_noop("training data was filtered to remove refusals"),
    gettext_noop(
        "weights are shared encrypted, to be unlocked with the base weights; data is CC BY-NC 4.0, code Apache-2.0"
    ),
    gettext_noop("continued pretraining on medical literature and guidelines"),
    gettext_noop("the card title begins with the prescribed word, the repository name does not"),
    gettext_noop(
        "the tag names no Creative Commons variant; the code repository is GPL-3.0; base terms are non-commercial"
    ),
    gettext_noop("tag is more open than the non-commercial terms of the first LLaMA"),
    gettext_noop(
        "page shows MIT although the base is under Llama 3 terms: a license conflict to flag"
    ),
    gettext_noop("code is Apache-2.0"),
    gettext_noop("tag taken from the card copied with the 13B sister model"),
    gettext_noop(
        "weights declared MIT; the README adds that the base came under the Llama 3.1 license"
    ),
    gettext_noop(
        "weights declared MIT; the README adds that the base came under the Llama 3.3 license"
    ),
    gettext_noop("code Apache-2.0, data CC BY-NC 4.0"),
    gettext_noop("the card also carries the Llama 2 notice line"),
    gettext_noop("README asks users to keep to the Llama 2 license, the tag says Apache-2.0"),
    gettext_noop("the code repository is Apache-2.0"),
    gettext_noop(
        "good example: two licenses declared, prescribed name prefix, display text in the card title"
    ),
    gettext_noop(
        "tensor-wise weighted merge of two parents; a well-known GGUF copy is tagged other and ships the Llama 2 license, policy and notice files"
    ),
    gettext_noop("second-generation merge: one parent is a merge itself"),
    gettext_noop(
        "judges whether an answer carries out a harmful request; the tag says MIT although the base is under Llama 2 terms"
    ),
    gettext_noop("the model list asks users to keep to the license of the base language model"),
    gettext_noop("carries the license as gating prompt in its front matter"),
    gettext_noop("declares another license than its base: a conflict to flag"),
    gettext_noop("Llama Guard 2 license"),
    gettext_noop("LICENSE file"),
    gettext_noop("Llama 2 text"),
    gettext_noop("project license table, USE_POLICY.md, copies on the hub"),
    gettext_noop("Llama Guard 3 8B license"),
    gettext_noop("llama3.1, low confidence"),
    gettext_noop("folder README"),
    gettext_noop("LICENSE file and project table"),
    gettext_noop("Prompt Guard 86M license"),
    gettext_noop("project table"),
    gettext_noop("hub tag"),
    gettext_noop("Llama 3.3 release date"),
    gettext_noop("repository README"),
    gettext_noop("model card and license"),
    gettext_noop("Llama 3.2 release date"),
    gettext_noop("2024-09-25; 2024-10-24 for the quantized models"),
    gettext_noop("model card"),
    gettext_noop("24 October 2024 (the quantized models)"),
    gettext_noop("license, README"),
    gettext_noop("Group size of the quantized Llama 3.2"),
    gettext_noop("both kept"),
    gettext_noop("older model list"),
    gettext_noop("Heads and rope of Llama 2 7B and 13B"),
    gettext_noop("full heads, rope 10000"),
    gettext_noop("8 key/value heads, rope 500000"),
    gettext_noop("model card, other code"),
    gettext_noop("Key/value heads of the 405B model in the 16-way split"),
    gettext_noop("older model list, 16-way entry"),
    gettext_noop("same list, other entries"),
    gettext_noop("GPQA of Llama 3.1 8B and 405B"),
    gettext_noop("30.4 and 50.7 with the card as source"),
    gettext_noop("Llama 3.1 card"),
    gettext_noop("30.4 and 50.7"),
    gettext_noop("paper and later cards"),
    gettext_noop("32.8 and 51.1"),
    gettext_noop("MMLU-Pro of Llama 3.1 405B"),
    gettext_noop("Llama 4 card"),
    gettext_noop("Emissions of Llama 3.3"),
    gettext_noop("12.9 as printed, low confidence"),
    gettext_noop("Llama 3.3 card, 7.0M hours"),
    gettext_noop("12.9 t"),
    gettext_noop("Llama 3.1 card, 70B with the same hours"),
    gettext_noop("2,040 t"),
    gettext_noop("MMLU of Llama 2 70B"),
    gettext_noop("Llama 2 card"),
    gettext_noop("Llama 3 card"),
    gettext_noop("Address of the Llama 3 policy"),
    gettext_noop("the Llama 3 address"),
    gettext_noop("the Llama 2 address"),
    gettext_noop("Military use"),
    gettext_noop("the policy text; exceptions need their own record"),
    gettext_noop("every policy"),
    gettext_noop("press, November 2024"),
    gettext_noop("publisher allows US agencies, contractors and some allies"),
    gettext_noop("Hub tag of Llama 4"),
    gettext_noop("accept both"),
    gettext_noop("hub documentation"),
    gettext_noop("cards of 2025"),
    gettext_noop("other, with license_name llama4"),
    gettext_noop("Context of Code Llama 70B Python and Instruct"),
    gettext_noop("4096, low confidence"),
    gettext_noop("third-party configuration list"),
    gettext_noop("no long-context tuning for them"),
    gettext_noop("Scores inside the Code Llama paper"),
    gettext_noop("table 2"),
    gettext_noop("used here"),
    gettext_noop("table 10"),
    gettext_noop("differs for some sizes"),
    gettext_noop("MMLU of Llama 3.1 70B in a third-party table"),
    gettext_noop("the card"),
    gettext_noop("third-party table"),
    gettext_noop("86.0 (CoT) or 83.6"),
    gettext_noop("Llama 4 Maverick arena score"),
    gettext_noop("no arena score is listed"),
    gettext_noop("launch page"),
    gettext_noop("an experimental chat build"),
    gettext_noop("published weights"),
    gettext_noop("another build"),
    gettext_noop("User data in the training of Llama 3.1"),
    gettext_noop("none used"),
    gettext_noop("press coverage of the launch"),
    gettext_noop("public posts of the publisher's networks used"),
)

# What a variant is, takes and gives, and how it was trained. What is not here is a name.
VARIANT: dict[str, Promise] = {
    "pretrained": pgettext_lazy("variant", "pretrained"),
    "instruct": pgettext_lazy("variant", "instruct"),
    "quantized": pgettext_lazy("variant", "quantized"),
    "safety classifier": pgettext_lazy("variant", "safety classifier"),
    "specialised": pgettext_lazy("variant", "specialised"),
    "chat": pgettext_lazy("variant", "chat"),
    "text": pgettext_lazy("variant", "text"),
    "code": pgettext_lazy("variant", "code"),
    "image": pgettext_lazy("variant", "image"),
    "label": pgettext_lazy("variant", "label"),
    "pretraining": pgettext_lazy("variant", "pretraining"),
    "continued pretraining on code": pgettext_lazy("variant", "continued pretraining on code"),
    "long-context fine-tuning": pgettext_lazy("variant", "long-context fine-tuning"),
    "rejection sampling": pgettext_lazy("variant", "rejection sampling"),
    "infilling objective": pgettext_lazy("variant", "infilling objective"),
    "continued pretraining on Python": pgettext_lazy("variant", "continued pretraining on Python"),
    "SFT (instruction data and self-instruct)": pgettext_lazy(
        "variant", "SFT (instruction data and self-instruct)"
    ),
    "RLHF (rejection sampling and PPO)": pgettext_lazy(
        "variant", "RLHF (rejection sampling and PPO)"
    ),
    "long-context continued pretraining": pgettext_lazy(
        "variant", "long-context continued pretraining"
    ),
    "supervised classification": pgettext_lazy("variant", "supervised classification"),
    "pruning": pgettext_lazy("variant", "pruning"),
    "pretraining with logits of Llama 3.1 8B and 70B as targets": pgettext_lazy(
        "variant", "pretraining with logits of Llama 3.1 8B and 70B as targets"
    ),
    "knowledge distillation": pgettext_lazy("variant", "knowledge distillation"),
    "SpinQuant rotations": pgettext_lazy("variant", "SpinQuant rotations"),
    "quantization-aware SFT": pgettext_lazy("variant", "quantization-aware SFT"),
    "LoRA SFT": pgettext_lazy("variant", "LoRA SFT"),
    "vision adapter pretraining": pgettext_lazy("variant", "vision adapter pretraining"),
    "multimodal early-fusion pretraining": pgettext_lazy(
        "variant", "multimodal early-fusion pretraining"
    ),
    "online RL": pgettext_lazy("variant", "online RL"),
    "SFT on about 13K labelled examples": pgettext_lazy(
        "variant", "SFT on about 13K labelled examples"
    ),
    "layer and width pruning": pgettext_lazy("variant", "layer and width pruning"),
    "distillation from Llama Guard 3 8B": pgettext_lazy(
        "variant", "distillation from Llama Guard 3 8B"
    ),
    "quantization-aware training": pgettext_lazy("variant", "quantization-aware training"),
    "pruning to a dense network": pgettext_lazy("variant", "pruning to a dense network"),
    "SFT on text and image data, about 3 to 1": pgettext_lazy(
        "variant", "SFT on text and image data, about 3 to 1"
    ),
}
