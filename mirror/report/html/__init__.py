"""The static page of the share: what is here, how whole, when verified. It opens with nothing installed."""

__all__: list[str] = []
