"""Why each send had its chip, breakers, dialogues taken off lost chips, orders for new numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chip_selecao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "resposta",
                "lembrete",
                "followup",
                "prospeccao",
                name="chip_selecao_tipo",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("chips", sa.Integer(), nullable=False),
        sa.Column("elegiveis", sa.Integer(), nullable=False),
        sa.Column("no_minimo", sa.Integer(), nullable=False),
        sa.Column("candidatos", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("descartes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_chip_selecao_em", "chip_selecao", ["em"], unique=False)
    op.create_table(
        "disjuntor",
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("falhas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("aberturas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("classe", sa.Text(), nullable=True),
        sa.Column("aberto_ate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("chip_id", "gateway"),
    )
    op.create_table(
        "disjuntor_transicao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column(
            "de",
            sa.Enum(
                "fechado",
                "aberto",
                "meio_aberto",
                name="disjuntor_de",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "para",
            sa.Enum(
                "fechado",
                "aberto",
                "meio_aberto",
                name="disjuntor_para",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("classe", sa.Text(), nullable=True),
        sa.Column("falhas", sa.SmallInteger(), nullable=False),
        sa.Column("aberto_ate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_disjuntor_transicao_chip", "disjuntor_transicao", ["chip_id", sa.literal_column("em DESC")], unique=False
    )
    op.create_table(
        "provisao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ddd", sa.SmallInteger(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column(
            "etapa",
            sa.Enum(
                "pedida",
                "comprada",
                "na_fila",
                "ativada",
                "instanciada",
                "pronta",
                "desistida",
                name="etapa_provisao",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pedida",
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("comprando_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sem_chave", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("salvy_id", sa.Text(), nullable=True),
        sa.Column("telefone", sa.Text(), nullable=True),
        sa.Column("chip_id", sa.BigInteger(), nullable=True),
        sa.Column("pedida_por", sa.Text(), nullable=False),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("mudada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("prazo_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parada_em", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chave"),
        sa.UniqueConstraint("nome"),
    )
    op.create_index(
        "ix_provisao_aberta",
        "provisao",
        ["id"],
        unique=False,
        postgresql_where=sa.text("etapa NOT IN ('pronta', 'desistida')"),
    )
    op.create_index(op.f("ix_provisao_chip_id"), "provisao", ["chip_id"], unique=False)
    op.create_index(
        "ix_provisao_salvy", "provisao", ["salvy_id"], unique=True, postgresql_where=sa.text("salvy_id IS NOT NULL")
    )
    op.create_index(
        "ix_provisao_telefone", "provisao", ["telefone"], unique=False, postgresql_where=sa.text("telefone IS NOT NULL")
    )
    op.create_table(
        "provisao_ativacao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("provisao_id", sa.BigInteger(), nullable=False),
        sa.Column("pedida_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ativador_id", sa.Text(), nullable=True),
        sa.Column("sms_id", sa.Text(), nullable=True),
        sa.Column("sms_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("codigo_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "desfecho",
            sa.Enum(
                "sucesso",
                "falha",
                "esgotada",
                "perdida",
                name="desfecho_ativacao",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("terminada_em", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["provisao_id"],
            ["provisao.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_provisao_ativacao_pedido", "provisao_ativacao", ["provisao_id", "id"], unique=False)
    op.create_index(
        "ix_provisao_ativacao_aberta",
        "provisao_ativacao",
        ["provisao_id"],
        unique=True,
        postgresql_where=sa.text("desfecho IS NULL"),
    )
    op.create_index(
        "ix_provisao_ativacao_sms",
        "provisao_ativacao",
        ["sms_id"],
        unique=True,
        postgresql_where=sa.text("sms_id IS NOT NULL"),
    )
    op.create_table(
        "conversa_migracao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("de_chip_id", sa.BigInteger(), nullable=False),
        sa.Column("para_chip_id", sa.BigInteger(), nullable=True),
        sa.Column("motivo", sa.Text(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["de_chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["para_chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        op.f("ix_conversa_migracao_conversation_id"), "conversa_migracao", ["conversation_id"], unique=False
    )
    op.create_index(op.f("ix_conversa_migracao_de_chip_id"), "conversa_migracao", ["de_chip_id"], unique=False)
    op.create_index(op.f("ix_conversa_migracao_para_chip_id"), "conversa_migracao", ["para_chip_id"], unique=False)
    op.create_table(
        "chip_decisao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("selecao_id", sa.BigInteger(), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=True),
        sa.Column("pedido", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("extras", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outbox_id"],
            ["outbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["selecao_id"],
            ["chip_selecao.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "uq_chip_decisao", "chip_decisao", ["outbox_id", "fence", sa.literal_column("(chip_id IS NULL)")], unique=True
    )
    op.create_index("ix_chip_decisao_chip", "chip_decisao", ["chip_id", "em"], unique=False)
    op.create_index(op.f("ix_chip_decisao_selecao_id"), "chip_decisao", ["selecao_id"], unique=False)
    op.drop_column("outbox", "escolha")


def downgrade() -> None:
    op.add_column(
        "outbox", sa.Column("escolha", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    for table in (
        *("chip_decisao", "chip_selecao", "conversa_migracao", "provisao_ativacao", "provisao"),
        *("disjuntor_transicao", "disjuntor"),
    ):
        op.drop_table(table)
