"""Small neural networks, compiled: perceptrons with their derivatives, Adam, and training."""

from labcore.nets.activations import ACTIVATIONS
from labcore.nets.adam import Adam, AdamState, Cosine, cosine
from labcore.nets.mlp import Network, Pullback, Pushforward, mlp
from labcore.nets.train import (
    Diverged,
    Training,
    Validation,
    load_training,
    minibatches,
    train,
)

__all__ = [
    "ACTIVATIONS",
    "Adam",
    "AdamState",
    "Cosine",
    "Diverged",
    "Network",
    "Pullback",
    "Pushforward",
    "Training",
    "Validation",
    "cosine",
    "load_training",
    "minibatches",
    "mlp",
    "train",
]
