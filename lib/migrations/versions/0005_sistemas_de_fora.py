"""The outside systems: gateways beside Evolution, webhooks to be worked off, Chatwoot's side of a conversation."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


GATEWAYS = ("evolution", "zapi", "meta")
AVISOS = ("transferencia", "interesse", "resposta_bloqueada", "sem_resposta", "mensagem_morta", "entrega", "integracao")

# What the gateway's words mean is stored with the receipt from now on: each gateway has its own.
ENTREGA = """
UPDATE delivery_event SET entrega = CASE WHEN status IN ('READ', 'PLAYED') THEN 'lida'
  WHEN status = 'DELIVERY_ACK' THEN 'entregue' WHEN status = 'ERROR' THEN 'falhou' ELSE 'enviada' END
"""

# The words of a template with its values, so that the thread shows what was really sent.
MODELO_TEXTO = r"""
CREATE FUNCTION modelo_texto(corpo text, parametros jsonb) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  n int;
BEGIN
  FOR n IN 1 .. jsonb_array_length(parametros) LOOP
    corpo := replace(corpo, '{{' || n || '}}',
      replace(regexp_replace(btrim(parametros ->> (n - 1)), '\s+', ' ', 'g'), '{{', '{'));
  END LOOP;
  RETURN corpo;
END $$
"""


def _kinds(table: str, column: str, name: str, kinds: tuple[str, ...]) -> None:
    """Say anew which values a column may have."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({listed})")


def upgrade() -> None:
    op.create_table(
        "modelo_meta",
        sa.Column("conta", sa.Text(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("idioma", sa.Text(), nullable=False),
        sa.Column("categoria", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("corpo", sa.Text(), nullable=False),
        sa.Column("parametros", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("atualizado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("conta", "nome", "idioma"),
    )
    op.create_table(
        "webhook",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("tipo", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("recebido_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "estado",
            sa.Enum(
                "pendente",
                "feito",
                "morto",
                name="estado_webhook",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("tentativas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("feito_em", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "chave", name="uq_webhook_chave"),
    )
    op.create_index(
        "ix_webhook_devido", "webhook", ["next_at", "id"], unique=False, postgresql_where=sa.text("estado = 'pendente'")
    )
    op.create_index("ix_webhook_morto", "webhook", ["id"], unique=False, postgresql_where=sa.text("estado = 'morto'"))
    op.create_index(
        "ix_webhook_sms",
        "webhook",
        ["recebido_em"],
        unique=False,
        postgresql_where=sa.text("source = 'salvy' AND tipo NOT LIKE 'phone-account.%' AND raw <> '{}'"),
    )
    op.create_table(
        "chatwoot_conversa",
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("contato_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("chatwoot_id", sa.BigInteger(), nullable=False),
        sa.Column("base_pessoa", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("escrita_pessoa", sa.Boolean(), nullable=True),
        sa.Column("conferir_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conferida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ultima_msg_id", sa.BigInteger(), nullable=True),
        sa.Column("tentativas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversa.id"]),
        sa.PrimaryKeyConstraint("conversation_id"),
        sa.UniqueConstraint("chatwoot_id"),
    )
    op.create_index(
        "ix_chatwoot_conversa_conferir",
        "chatwoot_conversa",
        ["conferir_em"],
        unique=False,
        postgresql_where=sa.text("conferir_em IS NOT NULL"),
    )
    op.create_index(
        "ix_chatwoot_conversa_pessoa",
        "chatwoot_conversa",
        ["conversation_id"],
        unique=False,
        postgresql_where=sa.text("base_pessoa"),
    )
    op.create_table(
        "espelho",
        sa.Column("interacao_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "estado",
            sa.Enum(
                "pendente",
                "enviando",
                "incerto",
                "feito",
                "morto",
                name="estado_espelho",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("chatwoot_msg_id", sa.BigInteger(), nullable=True),
        sa.Column("tentativas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversa.id"]),
        sa.ForeignKeyConstraint(["interacao_id"], ["interacao.id"]),
        sa.PrimaryKeyConstraint("interacao_id"),
    )
    op.create_index(
        "ix_espelho_aberto",
        "espelho",
        ["conversation_id", "interacao_id"],
        unique=False,
        postgresql_where=sa.text("estado IN ('pendente', 'enviando', 'incerto')"),
    )
    op.create_index(op.f("ix_espelho_conversation_id"), "espelho", ["conversation_id"], unique=False)
    op.create_index(
        "ix_espelho_devido",
        "espelho",
        ["interacao_id"],
        unique=False,
        postgresql_where=sa.text("estado IN ('pendente', 'enviando', 'incerto')"),
    )
    op.create_table(
        "chatwoot_nota",
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("chatwoot_id", sa.BigInteger(), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=True),
        sa.Column("texto", sa.Text(), nullable=True),
        sa.Column(
            "estado",
            sa.Enum(
                "aguarda",
                "calada",
                "pendente",
                "enviando",
                "incerto",
                "feito",
                "morto",
                name="estado_nota",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("tentativas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"]),
        sa.PrimaryKeyConstraint("chave"),
    )
    op.create_index(
        "ix_chatwoot_nota_aberta",
        "chatwoot_nota",
        ["criada_em"],
        unique=False,
        postgresql_where=sa.text("estado IN ('aguarda', 'pendente', 'enviando', 'incerto')"),
    )
    op.create_index(op.f("ix_chatwoot_nota_outbox_id"), "chatwoot_nota", ["outbox_id"], unique=False)
    op.add_column("chip", sa.Column("conta", sa.Text(), nullable=True))
    op.add_column("chip", sa.Column("fila_conferida_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column("delivery_event", sa.Column("entrega", sa.Text(), nullable=True))
    op.add_column("delivery_event", sa.Column("outbox_id", sa.BigInteger(), nullable=True))
    op.add_column("delivery_event", sa.Column("erro", sa.Text(), nullable=True))
    op.create_index(
        "ix_delivery_event_outbox",
        "delivery_event",
        ["outbox_id"],
        unique=False,
        postgresql_where=sa.text("outbox_id IS NOT NULL"),
    )
    op.add_column("medico", sa.Column("sem_whatsapp_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "outbox", sa.Column("modelo", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "outbox",
        sa.Column(
            "autor",
            sa.Enum(
                "medico", "julia", "humano", name="autor_outbox", native_enum=False, create_constraint=True, length=32
            ),
            server_default="julia",
            nullable=False,
        ),
    )
    op.add_column("outbox", sa.Column("autor_nome", sa.Text(), nullable=True))
    op.create_index(
        "ix_outbox_incerta", "outbox", ["enviando_em"], unique=False, postgresql_where=sa.text("state = 'parked'")
    )
    op.execute(ENTREGA)
    op.execute(MODELO_TEXTO)
    _kinds("chip", "gateway", "gateway", GATEWAYS)
    _kinds("aviso", "tipo", "tipo_aviso", AVISOS)


def downgrade() -> None:
    op.execute("DROP FUNCTION modelo_texto")
    op.drop_index("ix_outbox_incerta", table_name="outbox")
    op.execute("DELETE FROM aviso WHERE tipo IN ('entrega', 'integracao')")
    _kinds("aviso", "tipo", "tipo_aviso", AVISOS[:5])
    _kinds("chip", "gateway", "gateway", GATEWAYS[:1])
    for table, column in (
        ("outbox", "autor_nome"),
        ("outbox", "autor"),
        ("outbox", "modelo"),
        ("medico", "sem_whatsapp_em"),
        ("delivery_event", "erro"),
        ("delivery_event", "outbox_id"),
        ("delivery_event", "entrega"),
        ("chip", "fila_conferida_em"),
        ("chip", "conta"),
    ):
        op.drop_column(table, column)
    for table in ("chatwoot_nota", "espelho", "chatwoot_conversa", "webhook", "modelo_meta"):
        op.drop_table(table)
