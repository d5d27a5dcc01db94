"""The gateway's figures, for the operations listener."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600)


class Metrics:
    """Counts by route template, never by path; one registry an app."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ret_http_requests", "Requests answered", ("route", "method", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "ret_http_request_seconds",
            "Seconds from a request's head to the end of its answer",
            ("route", "method"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self.uploaded_bytes = Counter("ret_upload_bytes", "Bytes of files taken in", registry=self._registry)
        self.listeners = Gauge("ret_live_listeners", "Websockets open", registry=self._registry)
        self.csp_reports = Counter("ret_csp_reports", "Policy violations that browsers told", registry=self._registry)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request more."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def text(self) -> bytes:
        """Everything in the text format of Prometheus."""
        return generate_latest(self._registry)
