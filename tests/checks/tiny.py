"""A random Llama of a few hundred kilobytes, as the stock library saves it."""

from pathlib import Path

CORPUS = [
    "The registry keeps what was uploaded and shows it to nobody before it was checked.",
    "A second person looks at the evidence and decides. Readers accept the terms.",
    "0 1 2 3 4 5 6 7 8 9 + - * / = ( ) [ ] { } . , ; : ! ?",
]


def save_llama(folder: Path) -> dict[str, bytes]:
    """Save a model with its tokenizer there, and return the files by name."""
    import torch
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(CORPUS, vocab_size=384, special_tokens=["<s>", "</s>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained._tokenizer, bos_token="<s>", eos_token="</s>"
    )
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
