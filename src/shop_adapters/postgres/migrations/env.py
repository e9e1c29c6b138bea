"""Where Alembic starts: the connection is given by `shop_adapters.postgres.migrate`."""

from alembic import context

from shop_adapters.postgres.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
