"""Which proxy the environment asks for: asked in one place, so that no two transports go different ways."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mirror.errors import UsageError
from mirror.store.words import without_passwords


def proxy_for(url: str) -> str | None:
    """Return the URL of the proxy that leads to `url`, None where the way is direct.

    The variables are `https_proxy` and `http_proxy`, else `all_proxy`; `no_proxy` names what is reached directly.
    Each library reads them in its own way, so none is left to: aiohttp passes by a proxy that speaks TLS in silence,
    obstore knows address ranges in `no_proxy`, only some know `all_proxy`.

    Raises
    ------
    UsageError
        It is none that speaks HTTP: no transport has SOCKS.
    """
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    if not proxy.startswith(("http://", "https://")):
        raise UsageError(
            "cannot use the proxy",
            without_passwords(proxy),
            expected="http://HOST:PORT or https://HOST:PORT",
            hint="Set https_proxy or http_proxy, or no_proxy for what needs none.",
        )
    return proxy
