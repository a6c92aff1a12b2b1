"""Who may call which route of some plugins, said here a second time, so that a slip is noticed."""

PUBLIC = """
    POST /api/auth/jwt/create/
    POST /api/auth/jwt/logout/
    POST /api/auth/jwt/refresh/
    POST /api/auth/jwt/verify/
    POST /api/auth/users/
    POST /api/auth/users/activation/
    POST /api/auth/users/resend_activation/
    POST /api/auth/users/reset_password/
    POST /api/auth/users/reset_password_confirm/
    POST /api/auth/users/set_email_confirm/
    GET /api/catalog/categories/
    GET /api/catalog/categories/<uuid:category_id>/
    GET /api/catalog/facets/
    GET /api/catalog/products/
    GET /api/catalog/products/<product>/
    GET /api/catalog/products/<product>/images/
    GET /api/catalog/products/<product>/images/<uuid:image_id>/
    GET /api/catalog/products/<product>/reviews/
    GET /api/catalog/products/<product>/reviews/<uuid:review_id>/
    GET /api/catalog/products/<product>/variants/
    GET /api/catalog/products/<product>/variants/<uuid:variant_id>/
    GET /api/catalog/suggestions/
    GET /api/shipping/methods/
    POST /api/shipping/quote/
    GET /api/payments/providers/
    GET /api/payments/return/<uuid:payment_id>/
    GET /api/payments/webhook/
    POST /api/payments/webhook/
    GET /api/payments/webhook/<provider>/
    POST /api/payments/webhook/<provider>/
"""
GUESTS = """
    GET /api/cart/cart/
    POST /api/cart/cart/items/
    GET /api/cart/cart/items/
    PATCH /api/cart/cart/items/<uuid:item_id>/
    PUT /api/cart/cart/items/<uuid:item_id>/
    DELETE /api/cart/cart/items/<uuid:item_id>/
    DELETE /api/cart/cart/clear/
    POST /api/cart/items/
    GET /api/cart/items/
    PATCH /api/cart/items/<uuid:item_id>/
    PUT /api/cart/items/<uuid:item_id>/
    DELETE /api/cart/items/<uuid:item_id>/
    DELETE /api/cart/clear/
"""
MEMBERS = """
    GET /api/accounts/addresses/
    POST /api/accounts/addresses/
    GET /api/accounts/addresses/<uuid:address_id>/
    DELETE /api/accounts/addresses/<uuid:address_id>/
    PATCH /api/accounts/addresses/<uuid:address_id>/
    PUT /api/accounts/addresses/<uuid:address_id>/
    GET /api/accounts/profiles/me/
    GET /api/auth/users/me/
    GET /api/auth/users/me/sessions/
    GET /api/accounts/seller_applications/
    GET /api/accounts/seller_applications/<uuid:application_id>/
    POST /api/accounts/seller_applications/
    POST /api/catalog/products/<product>/reviews/
    POST /api/promotions/coupons/check/
    DELETE /api/catalog/products/<product>/reviews/<uuid:review_id>/
    PATCH /api/catalog/products/<product>/reviews/<uuid:review_id>/
    PUT /api/catalog/products/<product>/reviews/<uuid:review_id>/
    POST /api/cart/cart/merge/
    POST /api/cart/merge/
    GET /api/orders/
    POST /api/orders/
    POST /api/orders/quote/
    GET /api/orders/<uuid:order_id>/
    POST /api/orders/<uuid:order_id>/cancel/
    DELETE /api/orders/<uuid:order_id>/cancel/
    GET /api/orders/<uuid:order_id>/history/
    GET /api/orders/<uuid:order_id>/invoice/
    GET /api/orders/<uuid:order_id>/notes/
    GET /api/orders/<uuid:order_id>/refund-requests/
    POST /api/orders/<uuid:order_id>/refund-requests/
    GET /api/orders/<uuid:order_id>/refunds/
    GET /api/orders/<uuid:order_id>/shipments/
"""
MEMBERS_IN_PERSON = """
    GET /api/accounts/me/export/
    GET /api/accounts/api_keys/
    POST /api/accounts/api_keys/
    DELETE /api/accounts/api_keys/<uuid:key_id>/
    PATCH /api/accounts/profiles/me/
    DELETE /api/accounts/profiles/me/avatar/
    PATCH /api/auth/users/me/
    DELETE /api/auth/users/me/
    DELETE /api/auth/users/me/sessions/<uuid:session_id>/
    POST /api/auth/users/set_email/
    POST /api/auth/users/set_password/
    GET /api/payments/
    GET /api/payments/<uuid:payment_id>/
    GET /api/payments/<uuid:payment_id>/refunds/
    POST /api/payments/initiate/
"""
SELLERS = """
    POST /api/catalog/products/
    DELETE /api/catalog/products/<product>/
    PATCH /api/catalog/products/<product>/
    PUT /api/catalog/products/<product>/
    POST /api/catalog/products/<product>/images/
    DELETE /api/catalog/products/<product>/images/<uuid:image_id>/
    PATCH /api/catalog/products/<product>/images/<uuid:image_id>/
    PUT /api/catalog/products/<product>/images/order/
    PUT /api/catalog/products/<product>/options/
    GET /api/catalog/products/<product>/price_history/
    POST /api/catalog/products/<product>/restore/
    GET /api/catalog/products/<product>/stock/
    POST /api/catalog/products/<product>/variants/
    DELETE /api/catalog/products/<product>/variants/<uuid:variant_id>/
    PATCH /api/catalog/products/<product>/variants/<uuid:variant_id>/
    PUT /api/catalog/products/<product>/variants/<uuid:variant_id>/
    POST /api/catalog/products/<product>/variants/<uuid:variant_id>/make_default/
    POST /api/catalog/products/<product>/variants/<uuid:variant_id>/restore/
    GET /api/catalog/products/managed/
    GET /api/catalog/products/managed/<product>/
    GET /api/catalog/variants/<uuid:variant_id>/stock/
    PATCH /api/catalog/variants/<uuid:variant_id>/stock/
    POST /api/catalog/variants/<uuid:variant_id>/stock/adjustments/
    GET /api/catalog/variants/<uuid:variant_id>/stock/movements/
"""
STAFF = """
    GET /api/accounts/audit/
    GET /api/accounts/profiles/
    POST /api/accounts/seller_applications/<uuid:application_id>/approve/
    POST /api/accounts/seller_applications/<uuid:application_id>/decline/
    GET /api/auth/users/
    GET /api/auth/users/<uuid:user_id>/
    PATCH /api/auth/users/<uuid:user_id>/
    GET /api/auth/users/<uuid:user_id>/sessions/
    POST /api/auth/users/<uuid:user_id>/revoke_sessions/
    POST /api/catalog/categories/
    DELETE /api/catalog/categories/<uuid:category_id>/
    PATCH /api/catalog/categories/<uuid:category_id>/
    PUT /api/catalog/categories/<uuid:category_id>/
    GET /api/catalog/export/
    GET /api/catalog/imports/
    POST /api/catalog/imports/
    GET /api/catalog/imports/<uuid:import_id>/
    GET /api/catalog/imports/<uuid:import_id>/refused/
    GET /api/catalog/reviews/
    POST /api/catalog/reviews/<uuid:review_id>/approve/
    POST /api/catalog/reviews/<uuid:review_id>/hide/
    GET /api/promotions/coupons/
    POST /api/promotions/coupons/
    DELETE /api/promotions/coupons/<uuid:coupon_id>/
    GET /api/promotions/coupons/<uuid:coupon_id>/
    PATCH /api/promotions/coupons/<uuid:coupon_id>/
    PUT /api/promotions/coupons/<uuid:coupon_id>/
    GET /api/promotions/coupons/<uuid:coupon_id>/redemptions/
    GET /api/shipping/methods/managed/
    POST /api/shipping/methods/
    DELETE /api/shipping/methods/<uuid:method_id>/
    GET /api/shipping/methods/<uuid:method_id>/
    PATCH /api/shipping/methods/<uuid:method_id>/
    PUT /api/shipping/methods/<uuid:method_id>/
    GET /api/tax/rates/
    POST /api/tax/rates/
    DELETE /api/tax/rates/<uuid:rate_id>/
    GET /api/tax/rates/<uuid:rate_id>/
    PATCH /api/tax/rates/<uuid:rate_id>/
    PUT /api/tax/rates/<uuid:rate_id>/
    PATCH /api/orders/<uuid:order_id>/
    POST /api/orders/<uuid:order_id>/notes/
    DELETE /api/orders/<uuid:order_id>/notes/<uuid:note_id>/
    POST /api/orders/<uuid:order_id>/refunds/
    POST /api/orders/<uuid:order_id>/shipments/
    PATCH /api/orders/<uuid:order_id>/shipments/<uuid:shipment_id>/
    POST /api/orders/<uuid:order_id>/shipments/<uuid:shipment_id>/deliver/
    GET /api/orders/cancellations/
    POST /api/orders/cancellations/<uuid:request_id>/approve/
    POST /api/orders/cancellations/<uuid:request_id>/decline/
    GET /api/orders/export/
    GET /api/orders/refund-requests/
    POST /api/orders/refund-requests/<uuid:request_id>/approve/
    POST /api/orders/refund-requests/<uuid:request_id>/decline/
    POST /api/payments/<uuid:payment_id>/refunds/
    GET /api/payments/refunds/
    POST /api/payments/refunds/<uuid:refund_id>/confirm/
    POST /api/payments/refunds/<uuid:refund_id>/reject/
    POST /api/payments/refunds/<uuid:refund_id>/retry/
"""
STAFF_IN_PERSON = """
    POST /api/auth/users/<uuid:user_id>/erase/
    POST /api/auth/users/<uuid:user_id>/roles/
    DELETE /api/auth/users/<uuid:user_id>/roles/<string:role>/
"""
EVERYBODY = {"anonymous", "member", "seller", "staff", "admin"}
MAY = {
    line.strip(): (roles, keys)
    for text, roles, keys in (
        (PUBLIC, EVERYBODY, True),
        (GUESTS, EVERYBODY, True),
        (MEMBERS, EVERYBODY - {"anonymous"}, True),
        (MEMBERS_IN_PERSON, EVERYBODY - {"anonymous"}, False),
        (SELLERS, {"seller", "staff", "admin"}, True),
        (STAFF, {"staff", "admin"}, True),
        (STAFF_IN_PERSON, {"staff", "admin"}, False),
    )
    for line in text.strip().splitlines()
}
"""For `METHOD rule`: the roles that may, and whether a key of theirs may, with the scope."""
