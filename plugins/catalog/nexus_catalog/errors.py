"""What can go wrong in the catalog beyond the kernel's own errors."""

from nexus_kernel import Conflict, NotFound


class ProductNotFound(NotFound):
    """No product on sale has this id or slug."""

    code, title = "catalog.product_not_found", "Product not found"


class CategoryNotFound(NotFound):
    """No category has this id."""

    code, title = "catalog.category_not_found", "Category not found"


class ImportNotFound(NotFound):
    """No import has this id, or it has no such file."""

    code, title = "catalog.import_not_found", "Import not found"


class SkuTaken(Conflict):
    """Another variant has this SKU."""

    code, title = "catalog.sku_taken", "The SKU is taken"


class ReferenceInUse(Conflict):
    """Other pieces are held for this reference already."""

    code, title = "catalog.reference_in_use", "The reference holds other pieces"
