"""Bodies about accounts and profiles."""

import marshmallow as ma

from nexus_accounts.schemas.avatars import Avatar, NoAvatar
from nexus_accounts.schemas.fields import Phone, Username
from nexus_kernel import File, Schema, Text


class ProfileSchema(Schema):
    """What a person tells about themselves."""

    phone = ma.fields.String(required=True)
    bio = ma.fields.String(required=True)
    avatar = Avatar()


class ProfileUpdateSchema(Schema):
    """Changes of a profile; what is left out stays."""

    phone = Phone()
    bio = Text(2000, multiline=True)


class ProfileChangeSchema(ProfileUpdateSchema):
    """Changes of one's own profile as JSON; `avatar: null` removes the picture."""

    avatar = NoAvatar()


class ProfileFormSchema(ProfileUpdateSchema):
    """Changes of one's own profile as a form; `avatar` is a JPEG, PNG, WebP or GIF picture."""

    avatar = File()


class MeSchema(Schema):
    """One's own account."""

    id = ma.fields.UUID(required=True)
    email = ma.fields.String(required=True)
    username = ma.fields.String(required=True, allow_none=True)
    first_name = ma.fields.String(required=True)
    last_name = ma.fields.String(required=True)
    roles = ma.fields.List(ma.fields.String(), required=True)
    is_seller = ma.fields.Boolean(required=True)
    profile = ma.fields.Nested(ProfileSchema, required=True)


class MeUpdateSchema(Schema):
    """Changes of one's own account; what is left out stays."""

    username = Username()
    first_name = Text(150)
    last_name = Text(150)
    profile = ma.fields.Nested(ProfileUpdateSchema)


class UserSchema(MeSchema):
    """An account as staff see it."""

    email_verified_at = ma.fields.DateTime(required=True, allow_none=True)
    is_active = ma.fields.Boolean(required=True)
    created_at = ma.fields.DateTime(required=True)
