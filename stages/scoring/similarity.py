"""Sub-prompt similarity (SS): cosine of sentence embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.contracts.command import InputError

Floats = NDArray[np.float64]
Encode = Callable[[list[str]], Floats]
BATCH = 128


def embedder(folder: str) -> Encode:
    """Texts to unit vectors, (texts, dimensions), with the sentence-transformers model in `folder`.

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
        told = " ".join(str(error).split())
        raise InputError(f"{folder} is no sentence-transformers model: {told:.200}") from error

    def encode(texts: list[str]) -> Floats:
        vectors = model.encode(
            texts,
            batch_size=BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.asarray(vectors, dtype=np.float64)

    return encode


def cosine(expected: Sequence[str], predicted: Sequence[str | None], encode: Encode) -> Floats:
    """Cosine similarity of each pair of texts, -1 to 1, shape (pairs,); 0.0 where none was given.

    Each different text is embedded once. SS as in RouteNator (arXiv 2505.10495, section 4).
    """
    pairs = [
        (row, a, b)
        for row, (a, b) in enumerate(zip(expected, predicted, strict=True))
        if b is not None
    ]
    similarity = np.zeros(len(expected))
    if not pairs:
        return similarity
    texts = sorted({text for _, a, b in pairs for text in (a, b)})
    index = {text: number for number, text in enumerate(texts)}
    vectors = encode(texts)
    rows, left, right = zip(*[(row, index[a], index[b]) for row, a, b in pairs], strict=True)
    products = np.einsum("ij,ij->i", vectors[list(left)], vectors[list(right)])
    similarity[list(rows)] = np.clip(products, -1.0, 1.0)
    return similarity
