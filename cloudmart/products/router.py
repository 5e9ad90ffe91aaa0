"""`/api/products`."""

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query, Response, status

from cloudmart.access.route import GuardedRoute
from cloudmart.errors import ConflictError, NotFoundError, UnavailableError
from cloudmart.http.endpoints import Message, path_id, provide
from cloudmart.http.paging import Paging, paged
from cloudmart.http.problem import may_fail
from cloudmart.products.models import Product, ProductCreate
from cloudmart.products.repository import ProductRepository
from cloudmart.values import ids

router = APIRouter(
    prefix="/api/products",
    tags=["products"],
    route_class=GuardedRoute,
    responses=may_fail(UnavailableError),
)
Products = Annotated[ProductRepository, Depends(provide(ProductRepository))]
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
    description="Without `limit` the list is complete, however long, and is streamed.",
    response_model=list[Product],
)
async def list_products(
    products: Products, paging: PagingOfProducts, q: NameContains = ""
) -> Response:
    pages = products.list_all(containing=q, after=paging.after, page_size=paging.page_size)
    return await paging.answer(Product, pages)


@router.get("/{product_id}", summary="Get a product", responses=may_fail(NotFoundError))
async def get_product(product_id: ProductId, products: Products) -> Product:
    return await products.get(product_id)


@router.post(
    "",
    summary="Add a product",
    status_code=status.HTTP_201_CREATED,
    responses=may_fail(ConflictError),
)
async def add_product(body: ProductBody, products: Products, response: Response) -> Product:
    product = await products.add(Product.create(body))
    response.headers["Location"] = f"{router.prefix}/{product.id}"
    return product


@router.put(
    "/{product_id}",
    summary="Change a product",
    description="Send the whole product, as it was last read. Only `name`, `description`, `price` "
    "and `image` change; other fields are ignored. Orders keep the price they were placed at.",
    responses=may_fail(NotFoundError),
)
async def change_product(product_id: ProductId, body: ProductBody, products: Products) -> Product:
    return await products.change(product_id, body)


@router.delete("/{product_id}", summary="Delete a product", responses=may_fail(NotFoundError))
async def delete_product(product_id: ProductId, products: Products) -> Message:
    await products.remove(product_id)
    return Message(message="Product deleted successfully")
