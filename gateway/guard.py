"""What stands before every page and every answer: the password, and the rule that nothing is loaded from elsewhere.

In: ASGI requests. Out: the same, or a refusal. A browser that gave the password once is known by a cookie, because not
every browser repeats the password when it opens a WebSocket. `/healthz` stays open, for whoever watches the process,
and what asks for a token by itself is let through.
"""

import base64
import binascii
import hmac
from http.cookies import CookieError, SimpleCookie

from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "metertrail"
OPEN_PATHS = ("/healthz",)
BY_TOKEN = ("POST", "/api/batches")  # asks for a token of its own, which programs have instead of the password
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)  # the page framework compiles its templates in the browser
SAFE_HEADERS = [
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


class Guard:
    """Middleware. `password` is `name:password`, or None for none; `token` is a secret of this run."""

    def __init__(self, app: ASGIApp, password: str | None, token: str) -> None:
        self._app = app
        self._password = None if password is None else password.encode()
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let the application answer."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        known = self._password is None or _is_open(scope) or self._has_cookie(scope)
        gave_password = not known and self._gave_password(scope)
        if not known and not gave_password:
            await _refuse(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", []), *SAFE_HEADERS]
                if gave_password:
                    cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
                    headers.append((b"set-cookie", cookie.encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, answer)

    def _gave_password(self, scope: Scope) -> bool:
        method, _, given = _header(scope, b"authorization").partition(" ")
        if method.lower() != "basic" or self._password is None:
            return False
        try:
            decoded = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(decoded, self._password)

    def _has_cookie(self, scope: Scope) -> bool:
        try:
            found = SimpleCookie(_header(scope, b"cookie")).get(COOKIE)
        except CookieError:
            return False
        return found is not None and hmac.compare_digest(found.value.encode(), self._token.encode())


def _is_open(scope: Scope) -> bool:
    return scope["path"] in OPEN_PATHS or (scope.get("method"), scope["path"]) == BY_TOKEN


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"www-authenticate", b'Basic realm="MeterTrail", charset="UTF-8"'), (b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": b"name and password needed\n"})
