"""Optimal transport: entropic by Sinkhorn's iteration."""

from labcore.transport.sinkhorn import EntropicPlan, sinkhorn, sinkhorn_of_points

__all__ = ["EntropicPlan", "sinkhorn", "sinkhorn_of_points"]
