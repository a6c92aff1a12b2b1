"""What can go wrong in the catalog beyond the kernel's own errors."""

from nexus_kernel import Conflict, Forbidden, NotFound


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


class VariantNotFound(NotFound):
    """The product has no such variant, or it is a stranger's."""

    code, title = "catalog.variant_not_found", "Variant not found"


class CategoryNotEmpty(Conflict):
    """The category has children or products; name another one to move them to."""

    code, title = "catalog.category_not_empty", "The category is not empty"


class CombinationTaken(Conflict):
    """Another variant of the product has these option values."""

    code, title = "catalog.combination_taken", "The option values are taken"


class DefaultVariant(Conflict):
    """A product always has a default variant on sale: make another one the default first."""

    code, title = "catalog.default_variant", "It is the default variant"


class OptionInUse(Conflict):
    """Variants have the option value that would go."""

    code, title = "catalog.option_in_use", "The option value is in use"


class TooManyVariants(Conflict):
    """The product has as many variants as a product may have."""

    code, title = "catalog.too_many_variants", "Too many variants"


class StockBelowReserved(Conflict):
    """Fewer pieces would be on hand than are held for orders."""

    code, title = "catalog.stock_below_reserved", "Pieces are held"


class ImportNotFound(NotFound):
    """No import has this id, or it has no such file."""

    code, title = "catalog.import_not_found", "Import not found"


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
