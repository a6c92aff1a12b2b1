"""What can go wrong in the catalog beyond the kernel's own errors."""

from nexus_kernel import Conflict, Forbidden, NotFound


class ProductNotFound(NotFound):
    """No product on sale has this id or slug."""

    code, title = "catalog.product_not_found", "Product not found"


class CategoryNotFound(NotFound):
    """No category has this id."""

    code, title = "catalog.category_not_found", "Category not found"


class SkuTaken(Conflict):
    """Another variant has this SKU."""

    code, title = "catalog.sku_taken", "The SKU is taken"


class ReferenceInUse(Conflict):
    """Other pieces are held for this reference already."""

    code, title = "catalog.reference_in_use", "The reference holds other pieces"


class ReviewNotFound(NotFound):
    """The product has no such review, or it is not the caller's to see or to change."""

    code, title = "catalog.review_not_found", "Review not found"


class AlreadyReviewed(Conflict):
    """The person has reviewed this product before; that review can be edited."""

    code, title = "catalog.already_reviewed", "Already reviewed"


class ReviewHidden(Conflict):
    """The staff took the review out of sight: its author can edit it, but not delete it to write another."""

    code, title = "catalog.review_hidden", "The review is hidden"


class OwnProduct(Forbidden):
    """Sellers do not review what they sell."""

    code, title = "catalog.own_product", "This is your own product"


class PurchaseRequired(Forbidden):
    """The shop takes reviews from people who have received the product."""

    code, title = "catalog.purchase_required", "Only buyers review this"
