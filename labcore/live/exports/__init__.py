"""The loops of the book's live figures: one module a part, and ``EXPORTS``, all of them by name.

A figure often needs several of labcore's loops in a row (a Gram matrix, its factor, a mean). Such a
loop stands here; it calls the ones that the chapter's text uses, and obeys the same rule: buffers
from the caller, an explicit random stream, no allocation, no LAPACK.
"""

from labcore.live.export import Export
from labcore.live.exports import (
    foundations,
    interpolants,
    processes,
    rkhs,
    samplers,
    streams,
)

_PARTS = (streams, foundations, rkhs, samplers, processes, interpolants)
EXPORTS: dict[str, Export] = {export.name: export for part in _PARTS for export in part.EXPORTS}
