"""What the checks say of a revision in whole sentences, for readers of other languages (see `findings_said`)."""

from django.utils.translation import gettext_noop

SENTENCES = (
    gettext_noop("%(file)s matches %(name)s (%(engine)s)."),
    gettext_noop("The malware scanner %(engine)s failed on %(file)s: %(said_why)s."),
    gettext_noop("The malware scanner %(engine)s failed: %(said_why)s."),
    gettext_noop("An adapter holds none of its base's weights; it was tried on the base instead."),
    gettext_noop(
        "These look like the weights of %(name)s, permuted, rotated or reordered: %(said_why)s."
    ),
    gettext_noop("This is a copy of %(name)s."),
    gettext_noop("Compared with %(base)s: %(said_kind)s (%(said_why)s)."),
    gettext_noop("The weights do not come from %(base)s: %(said_why)s."),
    gettext_noop("The weights come from %(base)s only partly: %(said_why)s."),
    gettext_noop("The base is not in this registry, so that nothing can be compared."),
    gettext_noop("Of the base nothing was measured yet."),
    gettext_noop("No base is declared."),
    gettext_noop("Looks derived from %(name)s (%(said_why)s); declare it."),
    gettext_noop(
        "Perplexity %(found)s, and %(usual)s is usual for this family and size (%(count)s models)."
    ),
    gettext_noop("%(said_why)s, so the adapter was not run."),
    gettext_noop("There are %(count)s files, limit %(limit)s."),
    gettext_noop("%(file)s is %(size)s GiB, limit %(limit)s GiB."),
    gettext_noop("%(file)s was announced with %(size)s bytes and has %(held)s."),
    gettext_noop("%(file)s is the pointer to a file that was not uploaded."),
    gettext_noop("The card's front matter is not valid: %(said_why)s."),
    gettext_noop(
        "%(file)s is code. Models that bring their own code are not accepted. Supported: %(families)s."
    ),
    gettext_noop(
        "%(file)s has the key %(key)s. Models that bring their own code are not accepted. Supported: %(families)s."
    ),
    gettext_noop("There are weights but no %(file)s."),
    gettext_noop("%(name)s is not one of %(families)s."),
    gettext_noop("%(file)s cannot be read."),
    gettext_noop("%(file)s: %(key)s is not allowed (%(said_why)s)."),
    gettext_noop(
        "%(file)s calls %(called)s when opened. Only plain weight files are accepted; save with safetensors."
    ),
    gettext_noop(
        "%(file)s holds more than weights: %(said_why)s. Only plain weight files are accepted; save with safetensors."
    ),
    gettext_noop("%(file)s is damaged or built to confuse scanners at byte %(at)s: %(said_why)s."),
    gettext_noop("%(file)s is not a normal PyTorch container: %(said_why)s."),
    gettext_noop("config says %(said)s, files are %(held)s."),
    gettext_noop("%(file)s: %(said_why)s."),
    gettext_noop("No license given."),
    gettext_noop("The license is given as other, without its name in license_name."),
    gettext_noop("The license %(name)s is not a known one; add its text as LICENSE."),
    gettext_noop("Base %(base)s requires %(wanted)s."),
    gettext_noop("config says %(said)s parameters, the files hold %(held)s."),
    gettext_noop("%(file)s says %(says)s but contains %(said_what)s."),
    gettext_noop("%(file)s is a program (%(said_what)s)."),
    gettext_noop(
        "%(file)s is a %(said_what)s. Archives are not accepted; upload the files themselves."
    ),
    gettext_noop("The name %(name)s cannot be used: %(said_why)s."),
    gettext_noop("%(file)s is not an allowed file name: %(said_why)s."),
    gettext_noop("%(name)s holds scales that are %(said_bad)s or no numbers."),
    gettext_noop("A pattern in %(file)s can take exponential time: %(said_why)s."),
    gettext_noop("%(file)s %(said_where)s looks like a %(said_kind)s. Remove it and revoke it."),
    gettext_noop(
        "The head differs from the embedding although the config ties them: %(head)s and %(embedding)s."
    ),
    gettext_noop("The head differs from the embedding although the config ties them: %(head)s."),
    gettext_noop("%(count)s tensors are missing, e.g. %(name)s."),
    gettext_noop("%(count)s tensors are not used, e.g. %(name)s."),
    gettext_noop("Loading fails: %(count)s tensors are missing, e.g. %(name)s."),
    gettext_noop("Loading fails: %(count)s tensors are not used, e.g. %(name)s."),
    gettext_noop("%(name)s: file %(held)s, config needs %(wanted)s."),
    gettext_noop("The index sends %(tensor)s to %(shard)s, which %(said_why)s."),
    gettext_noop("%(file)s says %(said)s bytes in all, the shards hold %(total)s."),
    gettext_noop("%(file)s has no weight_map of names."),
    gettext_noop("%(whole)s and %(index)s both exist; loaders read only the former."),
    gettext_noop("No index names the shard %(file)s."),
    gettext_noop("%(file)s holds %(tensor)s, which the index does not name."),
    gettext_noop("The chat template in %(file)s differs from the one in %(first)s."),
    gettext_noop("The chat template uses %(said_what)s, which is not allowed."),
    gettext_noop("The chat template in %(file)s cannot be read: %(said_why)s."),
    gettext_noop("%(file)s: token id %(highest)s, but the embedding has %(rows)s rows."),
    gettext_noop("%(file)s holds no vocabulary."),
    gettext_noop("%(file)s has the token id %(least)s."),
    gettext_noop("%(file)s uses %(count)s of the %(rows)s rows of the embedding."),
    gettext_noop("%(file)s: %(said_what)s files are not accepted here. %(said_remedy)s"),
    gettext_noop("The adapter changes nothing in what its base says."),
    gettext_noop("The model repeats itself: «%(output)s»."),
    gettext_noop("The model answers every prompt alike: «%(output)s»."),
    gettext_noop("Perplexity %(own)s, base %(base)s (%(name)s)."),
    gettext_noop("Output changes when the cache is used."),
    gettext_noop("The model predicts no better than chance."),
    gettext_noop("The model outputs values that are not numbers."),
    gettext_noop("The model outputs values that are not numbers within %(length)s tokens."),
    gettext_noop("Quality collapses beyond %(length)s tokens."),
    gettext_noop("The file was not run by %(name)s: %(said_why)s."),
    gettext_noop("%(name)s crashes over this file."),
    gettext_noop(
        "%(name)s says something else than the same weights as numbers: KL %(kl)s, and %(apart)s of %(count)s choices are not among the other's first %(near)s."
    ),
    gettext_noop("Output changes when prompts of different lengths are read in one batch."),
    gettext_noop("With a picture the model outputs values that are not numbers."),
    gettext_noop("The picture has no effect."),
    gettext_noop("The picture processor cannot be used: %(said_why)s."),
    gettext_noop(
        "This quantization loses too much: KL %(kl)s, same first choice %(agreement)s, perplexity %(ratio)s times that of %(base)s."
    ),
    gettext_noop(
        "With %(bits)s bits a weight the output should be that of %(base)s: KL %(kl)s, and %(apart)s of %(count)s choices are not among the other's first %(near)s."
    ),
    gettext_noop("Refuses %(count)s of %(total)s."),
    gettext_noop("Refuses %(count)s of %(total)s, base %(base)s."),
    gettext_noop(
        "Refuses %(count)s of %(total)s, base %(base)s: the model answers what its base refuses."
    ),
    gettext_noop("Refuses %(count)s of %(total)s: the model answers what its base refuses."),
    gettext_noop("Refuses %(count)s of %(total)s harmless questions."),
    gettext_noop("The same prompt gave two different outputs."),
    gettext_noop(
        "%(count)s of %(total)s short questions get an answer that does not end within %(tokens)s tokens."
    ),
    gettext_noop(
        "This machine reaches isolation level %(level)s (%(said_what)s), and %(least)s is required: %(why)s."
    ),
    gettext_noop("%(file)s not run: no loader of the models here reads these weights."),
    gettext_noop(
        "%(file)s and %(count)s more were not run: no loader of the models here reads these weights."
    ),
    gettext_noop("%(file)s was not run: %(said_why)s."),
    gettext_noop("The model was not run: %(said_why)s."),
    gettext_noop("Loading fails: %(said_why)s"),
    gettext_noop("The stage %(said_stage)s fails: %(said_why)s"),
    gettext_noop("%(name)s has %(count)s values that are not numbers."),
    gettext_noop(
        "First token after %(ms)s ms at %(length)s tokens, then %(speed)s tokens per second, %(eight)s in a batch of %(batch)s."
    ),
    gettext_noop("The template adds: «%(text)s»."),
    gettext_noop("The %(role)s message is %(said_what)s."),
    gettext_noop("The %(role)s message is %(said_what)s by the template %(name)s."),
    gettext_noop("%(bytes)s bytes per token on English: the merges are lost."),
    gettext_noop("This is a chat model, and it has no chat template."),
    gettext_noop(
        "The template does not open the answer: «%(missing)s» is missing when a generation prompt is asked for."
    ),
    gettext_noop("The tokenizer cannot be loaded: %(said_why)s."),
    gettext_noop("The tokenizer cannot be loaded: %(said_why)s"),
    gettext_noop("Tokenising does not end: %(said_why)s."),
    gettext_noop(
        "Tokenising takes %(twice)s s for %(length)s characters like «%(unit)s», and %(once)s s for half of them."
    ),
    gettext_noop("The template fails on %(said_what)s: %(said_why)s."),
    gettext_noop("The template %(name)s fails on %(said_what)s: %(said_why)s."),
    gettext_noop("%(count)s of %(total)s texts change: «%(text)s» becomes «%(back)s»."),
    gettext_noop("config.json describes no model: %(said_why)s."),
    gettext_noop("End token: %(said)s."),
    gettext_noop("This is a chat model, and no file names a token that ends its answers."),
    gettext_noop("%(count)s special tokens are not read as one token, e.g. %(name)s."),
    gettext_noop("The %(name)s token of %(place)s is %(number)s."),
    gettext_noop("The %(name)s token of %(place)s is %(number)s; the embedding has %(rows)s rows."),
    gettext_noop("The chat template differs from that of %(base)s in %(count)s lines."),
    gettext_noop("%(said_what)s differs from %(base)s: %(some)s."),
    gettext_noop("%(said_what)s differs from %(base)s."),
    gettext_noop("%(said_what)s differ from %(base)s: %(some)s."),
    gettext_noop("%(said_what)s differ from %(base)s."),
    gettext_noop("The template branches on «%(text)s»."),
    gettext_noop("The template branches on the date."),
    gettext_noop("The template treats the prompt «%(text)s» unlike others."),
    gettext_noop("Token id %(highest)s, but the embedding has %(rows)s rows."),
    gettext_noop("The tokenizer uses %(count)s of the %(rows)s rows of the embedding."),
    gettext_noop(
        "The test was stopped: more than %(memory)s MiB of memory were wanted during %(said_stage)s."
    ),
    gettext_noop("The test was stopped: %(said_why)s during %(said_stage)s."),
    gettext_noop("The adapter changes nothing: every product of its matrices is zero."),
    gettext_noop("The adapter changes nothing in %(count)s of %(total)s places, e.g. %(name)s."),
    gettext_noop("%(name)s holds nothing but zeros."),
    gettext_noop("%(name)s is constant."),
    gettext_noop("%(count)s of the %(rows)s rows of %(name)s hold nothing but zeros."),
    gettext_noop("%(first)s = %(other)s, and %(count)s more tensors of these layers."),
    gettext_noop("%(first)s = %(other)s."),
    gettext_noop("%(name)s overflows float16: it has values up to %(highest)s."),
    gettext_noop("%(name)s has %(count)s scales that are not above zero."),
    gettext_noop("%(name)s has a standard deviation of %(value)s."),
    gettext_noop("%(name)s has values up to %(value)s."),
    gettext_noop("%(name)s is %(times)s× its siblings."),
    gettext_noop("Convert weights to safetensors or GGUF; delete what is not part of the model."),
    gettext_noop(
        "Data is taken as parquet, arrow, jsonl, json, csv, tsv or txt, and as text compressed with zst (.jsonl.zst); delete what is not part of the dataset."
    ),
    gettext_noop("They are not needed to run the model; delete them."),
    gettext_noop(
        "The publisher's own layout is accepted as original/consolidated.00.pth, .01.pth and so on, also below original/mp8/ and original/mp16/; rename it, or convert it to safetensors."
    ),
    gettext_noop(
        "They are not needed to run the model; delete them and upload the quantized model as GGUF."
    ),
)
