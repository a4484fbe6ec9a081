"""The durable path: inbox, mailbox, outbox, receipts, messages."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tool_effect",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("tool", sa.Text(), nullable=False),
        sa.Column("args_hash", sa.LargeBinary(), nullable=False),
        sa.Column("resultado", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause", "tool", "args_hash", name="uq_tool_effect"),
    )
    op.create_table(
        "delivery_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_msg_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider_msg_id", "status", name="uq_delivery_event"),
    )
    op.create_index(op.f("ix_delivery_event_chip_id"), "delivery_event", ["chip_id"], unique=False)
    op.create_table(
        "mailbox",
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("primeira_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("dead", sa.Text(), nullable=True),
        sa.Column("lane", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.PrimaryKeyConstraint("conversation_id"),
    )
    op.create_index(
        "ix_mailbox_claim", "mailbox", ["claim"], unique=False, postgresql_where=sa.text("claim IS NOT NULL")
    )
    op.create_index(
        "ix_mailbox_devida",
        "mailbox",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL AND dead IS NULL"),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("provider_msg_id", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "tipo",
            sa.Enum(
                "mensagem",
                "eco",
                "evento",
                "morta",
                name="tipo_inbox",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("midia", sa.Text(), server_default="texto", nullable=False),
        sa.Column("texto", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.LargeBinary(), nullable=True),
        sa.Column("endereco", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("enviada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("desfecho", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["turno.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "chip_id", "provider_msg_id", name="uq_inbox_mensagem"),
    )
    op.create_index(
        "ix_inbox_aberta",
        "inbox",
        ["conversation_id", "id"],
        unique=False,
        postgresql_where=sa.text("turn_id IS NULL AND tipo = 'mensagem' AND desfecho IS NULL"),
    )
    op.create_index(op.f("ix_inbox_conversation_id"), "inbox", ["conversation_id"], unique=False)
    op.create_index(
        "ix_inbox_eco",
        "inbox",
        ["chip_id", "body_hash", "received_at"],
        unique=False,
        postgresql_where=sa.text("tipo = 'eco'"),
    )
    op.create_index(
        "ix_inbox_turno", "inbox", ["turn_id"], unique=False, postgresql_where=sa.text("turn_id IS NOT NULL")
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "resposta",
                "followup",
                "prospeccao",
                name="tipo_envio",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "estagio_apos",
            sa.Enum(
                "novo",
                "msg_enviada",
                "followup_1_enviado",
                "followup_2_enviado",
                "nao_respondeu",
                "recontato",
                "respondeu",
                "qualificado",
                "negociando",
                "fechou",
                "optout",
                name="estagio_apos",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("proativa", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("isenta_optout", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("prioridade", sa.SmallInteger(), server_default=sa.text("5"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "sending",
                "sent",
                "unknown",
                "parked",
                "dead",
                "cancelled",
                name="outbox_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pending",
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("consultas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=True),
        sa.Column("provider_msg_id", sa.Text(), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("enviando_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enviada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("falhou_em", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["turno.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("cause"),
    )
    op.create_index(
        "ix_outbox_aberta",
        "outbox",
        ["lease_until", "next_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('sending', 'unknown')"),
    )
    op.create_index("ix_outbox_claim", "outbox", ["claim"], unique=False, postgresql_where=sa.text("claim IS NOT NULL"))
    op.create_index(
        "ix_outbox_contato",
        "outbox",
        ["medico_id", "enviando_em"],
        unique=False,
        postgresql_where=sa.text("proativa AND state IN ('sending', 'unknown', 'sent', 'parked')"),
    )
    op.create_index(op.f("ix_outbox_conversation_id"), "outbox", ["conversation_id"], unique=False)
    op.create_index(
        "ix_outbox_devida",
        "outbox",
        [sa.literal_column("prioridade DESC"), "id", "next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_outbox_falha",
        "outbox",
        ["chip_id", "falhou_em"],
        unique=False,
        postgresql_where=sa.text("falhou_em IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_ordem",
        "outbox",
        ["conversation_id", "id"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown')"),
    )
    op.create_index(op.f("ix_outbox_provider_msg_id"), "outbox", ["provider_msg_id"], unique=False)
    op.create_index(op.f("ix_outbox_turn_id"), "outbox", ["turn_id"], unique=False)
    op.create_index(
        "ix_outbox_uso",
        "outbox",
        ["chip_id", "enviando_em"],
        unique=False,
        postgresql_where=sa.text("state IN ('sending', 'unknown', 'sent', 'parked')"),
    )
    op.create_index(
        "uq_outbox_em_voo",
        "outbox",
        ["conversation_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('sending', 'unknown')"),
    )
    op.create_table(
        "interacao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=True),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "direcao",
            sa.Enum("entrada", "saida", name="direcao", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "autor",
            sa.Enum("medico", "julia", "humano", name="autor", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("midia", sa.Text(), server_default="texto", nullable=False),
        sa.Column("proativa", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("texto", sa.Text(), nullable=False),
        sa.Column("provider_msg_id", sa.Text(), nullable=True),
        sa.Column(
            "entrega",
            sa.Enum(
                "enviada",
                "entregue",
                "lida",
                "falhou",
                name="entrega",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["inbox_id"],
            ["inbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_interacao_chip", "interacao", ["chip_id", "em"], unique=False)
    op.create_index(
        "ix_interacao_conversa",
        "interacao",
        ["conversation_id", sa.literal_column("em DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_interacao_medico", "interacao", ["medico_id", "em"], unique=False)
    op.create_index("ix_interacao_provider", "interacao", ["provider_msg_id"], unique=False)
    op.create_index("uq_interacao_inbox", "interacao", ["inbox_id"], unique=True)
    op.create_index("uq_interacao_outbox", "interacao", ["outbox_id"], unique=True)


def downgrade() -> None:
    op.drop_table("interacao")
    op.drop_table("outbox")
    op.drop_table("inbox")
    op.drop_table("mailbox")
    op.drop_table("delivery_event")
    op.drop_table("tool_effect")
