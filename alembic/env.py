"""Runs the migrations on the connection that `catalog.migrate` gives, else on $OOMIRROR_CATALOG.

For alembic's own command: `OOMIRROR_CATALOG=sqlite:////tmp/c.db alembic upgrade head`, then `alembic check`.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from catalog.config import check_url, default_catalog_url
from catalog.session import migrating
from catalog.tables import is_compared, metadata


def run(connection: Connection) -> None:
    """Run the migrations in the transaction that `connection` is in."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        include_name=is_compared,
        # SQLite's DDL is transactional as long as the driver does not commit behind our back (catalog.session).
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with migrating(check_url(os.environ.get("OOMIRROR_CATALOG") or default_catalog_url())) as own:
        run(own)
