"""Sub-prompt similarity (SS): cosine of sentence embeddings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.core.command import InputError
from stages.core.text import cleaned, normalized

Floats = NDArray[np.float64]
Encode = Callable[[list[str]], Floats]
BATCH = 128
AS_TEXT = "ss_as_text"


def embedder(folder: str) -> Encode:
    """Texts to unit vectors, (texts, dimensions), with the sentence-transformers model in `folder`;
    to a vector of zeros where the model knows no part of a text.

    Raises InputError when the folder holds no such model.
    """
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(
            folder,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError) as error:
        message = " ".join(str(error).split())
        raise InputError(f"{folder} is no sentence-transformers model: {message:.200}") from error

    def encode(texts: list[str]) -> Floats:
        have_tokens = zip(texts, _have_tokens(model.tokenizer, texts), strict=True)
        encodable = [text for text, has_token in have_tokens if has_token]
        if not encodable:
            return np.zeros((len(texts), 1))
        encoded = model.encode(
            encodable,
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        vectors = np.asarray(encoded, dtype=np.float64)
        if len(encodable) == len(texts):
            return vectors
        table, nothing = dict(zip(encodable, vectors, strict=True)), np.zeros(vectors.shape[1])
        return np.stack([table.get(text, nothing) for text in texts])

    return encode


def _have_tokens(tokenizer: Any, texts: list[str]) -> list[bool]:
    """Whether the model has a token for any part of each text."""
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return [any(token != tokenizer.unk_token_id for token in row) for row in ids]


def cosine(
    expected: Sequence[str],
    predicted: Sequence[str | None],
    encode: Encode,
    counts: Counter[str] | None = None,
) -> Floats:
    """Cosine similarity of each pair of texts, -1 to 1, shape (pairs,); 0.0 where none was given.

    A pair with a text that the embedder knows nothing of, its vector being 0, is compared as text:
    1.0 for the same words (`core.text.normalized`), else 0.0; `counts` gets the number of such
    pairs as AS_TEXT. So is one with an empty text: 1.0 if both are. Each different text is embedded
    once. SS as in RouteNator (arXiv 2505.10495, section 4).
    """
    pairs = [
        (row, a, b)
        for row, (a, b) in enumerate(zip(expected, predicted, strict=True))
        if b is not None
    ]
    values = np.zeros(len(expected))
    texts = sorted({text for _, a, b in pairs for text in (a, b) if text.strip()})
    index = {text: number for number, text in enumerate(texts)}
    vectors = encode(texts) if texts else np.zeros((0, 1))
    unknown = {text for text in texts if not vectors[index[text]].any()}
    embedded, as_text = [], 0
    for row, a, b in pairs:
        if a.strip() and b.strip() and not {a, b} & unknown:
            embedded.append((row, index[a], index[b]))
            continue
        as_text += bool({a, b} & unknown)
        values[row] = _same(a, b)
    if embedded:
        rows, left, right = (list(part) for part in zip(*embedded, strict=True))
        products = np.einsum("ij,ij->i", vectors[left], vectors[right])
        values[rows] = np.clip(products, -1.0, 1.0)
    if counts is not None:
        counts[AS_TEXT] += as_text
    return values


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same words, or, without a word, the same signs."""
    words = normalized(one), normalized(other)
    return words[0] == words[1] and (bool(words[0]) or cleaned(one) == cleaned(other))
