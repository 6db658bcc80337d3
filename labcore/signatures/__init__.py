"""Signatures of paths, the algebra they live in, and the signature kernel."""

from labcore.signatures.kernel import signature_kernel
from labcore.signatures.signature import (
    expected_brownian_signature,
    log_signature,
    signature,
)
from labcore.signatures.tensors import (
    lyndon_words,
    shuffle_product,
    tensor_exp,
    tensor_log,
    tensor_product,
    tensor_size,
    word_index,
    words,
)
from labcore.signatures.transforms import lead_lag, time_augmented

__all__ = [
    "expected_brownian_signature",
    "lead_lag",
    "log_signature",
    "lyndon_words",
    "shuffle_product",
    "signature",
    "signature_kernel",
    "tensor_exp",
    "tensor_log",
    "tensor_product",
    "tensor_size",
    "time_augmented",
    "word_index",
    "words",
]
