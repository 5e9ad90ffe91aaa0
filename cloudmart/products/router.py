"""The routes of `/api/products`."""

from typing import Annotated, Any

from fastapi import Body, Depends, Query, Request, Response, status

from cloudmart.access.guarded_route import GuardedRoute, Handler, right_of
from cloudmart.access.rights import Right
from cloudmart.errors import (
    ConflictError,
    NotFoundError,
    PreconditionFailedError,
    UnavailableError,
)
from cloudmart.http.dependencies import Message, path_id, provide
from cloudmart.http.etag import IfMatch, IfMatchToDelete
from cloudmart.http.paging import Paging, paged
from cloudmart.http.problem import may_fail
from cloudmart.products.catalogue import Catalogue
from cloudmart.products.models import Product, ProductCreate
from cloudmart.products.snapshot import ProductEntry
from cloudmart.rates.route_class import ClassifiedRouter
from cloudmart.values import ids

_SEEN: dict[int | str, Any] = {
    304: {"description": "Nothing has changed since the answer that `If-None-Match` names."}
}


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


router = ClassifiedRouter(
    prefix="/api/products",
    tags=["products"],
    route_class=ReadyRoute,
    responses=may_fail(UnavailableError),
)
Products = Annotated[Catalogue, Depends(provide(Catalogue))]
PagingOfProducts = Annotated[Paging, Depends(paged("products"))]
NameContains = Annotated[
    str,
    Query(
        max_length=200,
        description="Only products whose name contains this; letter case and accents do not count.",
        examples=["lamp"],
    ),
]
ProductBody = Annotated[
    ProductCreate,
    Body(
        openapi_examples={
            "lamp": {
                "summary": "A lamp",
                "value": {
                    "name": "Reading lamp",
                    "description": "A warm light for the desk, dimmable in five steps.",
                    "price": 34.5,
                    "image": ids.PICTURE,
                },
            }
        }
    ),
]
ProductId = Annotated[str, path_id(ids.PRODUCT)]


@router.get(
    "",
    summary="List the products",
    description="Without `limit` the list is complete, however long. Send the `ETag` of the last "
    "answer as `If-None-Match`: while nothing has changed, the answer is 304. A change by another "
    "process may show some seconds later. The answer has an `Age` header while the shop's data "
    "store does not answer and older products are shown.",
    response_model=list[Product],
    responses=_SEEN,
)
async def list_products(
    products: Products, paging: PagingOfProducts, request: Request, q: NameContains = ""
) -> Response:
    if paging.is_whole and not q and (whole := await products.whole_list()):
        return await whole.document.answer(request.headers.raw, whole.age)
    found = await products.find(containing=q, after=paging.after, page_size=paging.page_size)
    answer = await paging.answer(Product, found.pages)
    answer.headers["Cache-Control"] = "no-cache"
    if found.age is not None:
        answer.headers["Age"] = str(found.age)
    return answer


@router.get(
    "/{product_id}",
    summary="Get a product",
    response_model=Product,
    responses=_SEEN | may_fail(NotFoundError),
)
async def get_product(product_id: ProductId, products: Products, request: Request) -> Response:
    product = await products.get(product_id)
    return await product.document.answer(request.headers.raw, product.age)


@router.post(
    "",
    summary="Add a product",
    status_code=status.HTTP_201_CREATED,
    responses=may_fail(ConflictError),
)
async def add_product(body: ProductBody, products: Products, response: Response) -> Product:
    product = await products.add(Product.create(body))
    response.headers["Location"] = f"{router.prefix}/{product.id}"
    response.headers["ETag"] = ProductEntry.of(product).answer.tag
    return product


@router.put(
    "/{product_id}",
    summary="Change a product",
    description="Send the whole product, as it was last read. Only `name`, `description`, `price` "
    "and `image` change; other fields are ignored. Orders keep the price they were placed at. "
    "With `If-Match`, only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def change_product(
    product_id: ProductId, body: ProductBody, products: Products, when: IfMatch, response: Response
) -> Product:
    product = await products.change(product_id, body, when)
    response.headers["ETag"] = ProductEntry.of(product).answer.tag
    return product


@router.delete(
    "/{product_id}",
    summary="Delete a product",
    description="With the header `If-Match` (an `ETag`), only if it has not changed since.",
    responses=may_fail(NotFoundError, PreconditionFailedError),
)
async def delete_product(
    product_id: ProductId, products: Products, when: IfMatchToDelete
) -> Message:
    await products.remove(product_id, when)
    return Message(message="Product deleted successfully")
