"""What applications put between the SDK and the network: requests and responses that carry nothing of ours."""

from typing import Any

from support.library import http
from support.server import Server


def copied(request: Any) -> Any:
    """Another request that says the same. Its body was read: the SDK gives bytes."""
    return http.Request(request.method, request.url, headers=request.headers, content=request.read())


class Rebuilding(Server):
    """A transport that sends another request, as one of a proxy does."""

    def __call__(self, request: Any) -> Any:
        another = copied(request)
        response = super().__call__(another)
        response.request = another
        return response


class RequestHook(Server):
    """A hook that assigns `extensions` before the request is sent."""

    events: Any = "request"

    def act(self, hooked: Any) -> None:
        hooked.extensions = {"timeout": hooked.extensions.get("timeout", {})}

    def client(self) -> Any:
        return http.Client(transport=http.MockTransport(self), event_hooks={self.events: [self.act]})

    def async_client(self) -> Any:
        async def act(hooked: Any) -> None:
            self.act(hooked)

        return http.AsyncClient(transport=http.MockTransport(self), event_hooks={self.events: [act]})


class ResponseHook(RequestHook):
    """A hook that assigns the `extensions` of what came, and of its request."""

    events = "response"

    def act(self, hooked: Any) -> None:
        hooked.extensions = {}
        hooked.request.extensions = {}


class Sending(Server):
    """A client whose `send` sends another request."""

    def remade(self, request: Any) -> Any:
        return copied(request)

    def client(self) -> Any:
        remade = self.remade

        class Client(http.Client):
            def send(self, request: Any, **options: Any) -> Any:
                return super().send(remade(request), **options)

        return Client(transport=http.MockTransport(self))

    def async_client(self) -> Any:
        remade = self.remade

        class Client(http.AsyncClient):
            async def send(self, request: Any, **options: Any) -> Any:
                return await super().send(remade(request), **options)

        return Client(transport=http.MockTransport(self))


class Resigned(http.Auth):
    """Signs another request than the one that it was given."""

    requires_request_body = True

    def auth_flow(self, request: Any) -> Any:
        signed = copied(request)
        signed.headers["x-signature"] = "s"
        yield signed


class Signing(Server):
    """A client with such an `auth`."""

    def client(self) -> Any:
        return http.Client(transport=http.MockTransport(self), auth=Resigned())

    def async_client(self) -> Any:
        return http.AsyncClient(transport=http.MockTransport(self), auth=Resigned())


class Caching(Server):
    """A client that answers without a network. The request of whoever asked first stands in all its responses."""

    asked: Any = None

    def found(self, request: Any) -> Any:
        response = self(request)
        self.asked = response.request = self.asked or copied(request)
        return response

    def client(self) -> Any:
        found = self.found

        class Client(http.Client):
            def send(self, request: Any, *, stream: bool = False, **_options: Any) -> Any:
                response = found(request)
                if not stream:
                    response.read()
                return response

        return Client()

    def async_client(self) -> Any:
        found = self.found

        class Client(http.AsyncClient):
            async def send(self, request: Any, *, stream: bool = False, **_options: Any) -> Any:
                response = found(request)
                if not stream:
                    await response.aread()
                return response

        return Client()


class Stored(Caching):
    """The same, and each response is the very object of the call before, with what that left in it."""

    def __init__(self, *replies: Any) -> None:
        super().__init__(*replies)
        self.stored: dict[int, Any] = {}

    def found(self, request: Any) -> Any:
        self.requests.append(request)
        place = min(len(self.requests), len(self.replies)) - 1
        if place not in self.stored:
            self.stored[place] = self.replies[place](request)
            self.stored[place].request = request
        return self.stored[place]


class Unrequested(Caching):
    """The same, with no request at all: httpx raises where the SDK asks for it."""

    def found(self, request: Any) -> Any:
        return self(request)


LAYERS: dict[str, type[Server]] = {
    "transport that rebuilds": Rebuilding,
    "request hook": RequestHook,
    "response hook": ResponseHook,
    "send that copies": Sending,
    "auth that signs a copy": Signing,
    "cache": Caching,
}
