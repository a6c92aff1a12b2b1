"""What can go wrong in the catalog beyond the kernel's own errors."""

from nexus_kernel import Conflict, NotFound


class ProductNotFound(NotFound):
    """No product on sale has this id or slug."""

    code, title = "catalog.product_not_found", "Product not found"


class CategoryNotFound(NotFound):
    """No category has this id."""

    code, title = "catalog.category_not_found", "Category not found"


class ImageNotFound(NotFound):
    """The product has no picture of this id."""

    code, title = "catalog.image_not_found", "Image not found"


class TooManyImages(Conflict):
    """The product has as many pictures as the deployment allows; `maximum` says how many."""

    code, title = "catalog.too_many_images", "Too many images"


class ImagesChanged(Conflict):
    """The order names other pictures than the product has; `ids` are those that it has."""

    code, title = "catalog.images_changed", "The images are others"


class SkuTaken(Conflict):
    """Another variant has this SKU."""

    code, title = "catalog.sku_taken", "The SKU is taken"


class ReferenceInUse(Conflict):
    """Other pieces are held for this reference already."""

    code, title = "catalog.reference_in_use", "The reference holds other pieces"
