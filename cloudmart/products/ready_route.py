"""Routes whose answer is mostly ready: nothing is read of such a request but its headers."""

from fastapi import Request, Response

from cloudmart.access.rights import Right
from cloudmart.access.route import GuardedRoute, Handler, right_of
from cloudmart.products.catalogue import Catalogue


class ReadyRoute(GuardedRoute):
    """A route that first looks whether memory has the answer; FastAPI takes no part in that.

    It is for reads that anyone may do. A query makes it an ordinary route.
    """

    def get_route_handler(self) -> Handler:
        """Return the handler behind what is ready."""
        handler = super().get_route_handler()
        if self.methods != {"GET"} or right_of(self) is not Right.ANYONE:
            return handler
        single = bool(self.param_convertors)

        async def first_what_is_ready(request: Request) -> Response:
            scope = request.scope
            if not scope["query_string"]:
                catalogue: Catalogue = scope["state"]["services"][Catalogue]
                document = (
                    catalogue.ready_product(scope["path_params"]["product_id"])
                    if single
                    else catalogue.ready_list()
                )
                answer = document.ready_answer(scope["headers"]) if document else None
                if answer is not None:
                    return answer
            return await handler(request)

        return first_what_is_ready
