"""The configuration: what can be set, and the one reader of it."""

from mirror.config.mirrors import MirrorSettings
from mirror.config.notify import NotifySettings
from mirror.config.reader import find_config, load_settings, new_config, user_config
from mirror.config.settings import BUILT_IN, BucketSettings, MongoSettings, Settings, TransferSettings
from mirror.config.template import write_template

__all__ = [
    "BUILT_IN",
    "BucketSettings",
    "MirrorSettings",
    "MongoSettings",
    "NotifySettings",
    "Settings",
    "TransferSettings",
    "find_config",
    "load_settings",
    "new_config",
    "user_config",
    "write_template",
]
