"""How often a task may ask: a steady rate with a burst, as the ECS agent's own endpoint allows."""

from dataclasses import dataclass

RATE = 40.0  # requests a second
BURST = 60.0
_PEERS = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimiter:
    """A token bucket for every peer."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: dict[object, _Bucket] = {}

    def allows(self, peer: object, now: float) -> bool:
        """Say whether *peer* may ask once more now."""
        bucket = self._buckets.get(peer)
        if bucket is None:
            if len(self._buckets) >= _PEERS:
                self._forget(now)
            bucket = self._buckets[peer] = _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, now - bucket.at) * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _forget(self, now: float) -> None:
        """Forget whoever has not asked for so long that the bucket would be full again."""
        full = self._burst / self._rate
        self._buckets = {peer: bucket for peer, bucket in self._buckets.items() if now - bucket.at < full}
