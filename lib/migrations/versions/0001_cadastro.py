"""Specialties, hospitals, shifts, chips, access and runs of flows."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chip",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telefone", sa.Text(), nullable=False),
        sa.Column("instancia", sa.Text(), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum("julia", "listener", name="tipo_chip", native_enum=False, create_constraint=True, length=32),
            server_default="julia",
            nullable=False,
        ),
        sa.Column(
            "gateway",
            sa.Enum("evolution", name="gateway", native_enum=False, create_constraint=True, length=32),
            server_default="evolution",
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "provisioned",
                "pending",
                "warming",
                "ready",
                "active",
                "degraded",
                "paused",
                "banned",
                "cancelled",
                name="status_chip",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="provisioned",
            nullable=False,
        ),
        sa.Column(
            "fase",
            sa.Enum(
                "repouso",
                "setup",
                "primeiros_contatos",
                "expansao",
                "pre_operacao",
                "teste_graduacao",
                "operacao",
                name="fase_warmup",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="repouso",
            nullable=False,
        ),
        sa.Column("fase_desde", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("aquecimento_desde", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conectado", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("conexao_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trust_score", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "trust_nivel",
            sa.Enum(
                "verde",
                "amarelo",
                "laranja",
                "vermelho",
                "critico",
                name="trust_nivel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="critico",
            nullable=False,
        ),
        sa.Column("trust_partes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("trust_formula", sa.Text(), nullable=True),
        sa.Column("trust_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pode_prospectar", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pode_followup", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pode_responder", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("limite_hora", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("limite_dia", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delay_minimo_s", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("cooldown_ate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("criado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("instancia"),
        sa.UniqueConstraint("telefone"),
    )
    op.create_index(
        "ix_chip_elegivel",
        "chip",
        ["trust_score"],
        unique=False,
        postgresql_where=sa.text("status = 'active' AND tipo = 'julia'"),
    )
    op.create_table(
        "especialidade",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("nome_normalizado", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("nome_normalizado"),
    )
    op.create_table(
        "execucao_fluxo",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("fluxo", sa.Text(), nullable=False),
        sa.Column("modo", sa.Text(), nullable=False),
        sa.Column("estado", sa.Text(), nullable=False),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("iniciado_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terminado_em", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_execucao_fluxo", "execucao_fluxo", ["fluxo", sa.literal_column("iniciado_em DESC")], unique=False
    )
    op.create_table(
        "flag",
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("valor", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("atualizado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("chave"),
    )
    op.create_table(
        "hospital",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("nome_normalizado", sa.Text(), nullable=False),
        sa.Column("cidade", sa.Text(), nullable=False),
        sa.Column("uf", sa.Text(), nullable=False),
        sa.Column("endereco", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("nome_normalizado", "cidade", name="uq_hospital"),
    )
    op.create_table(
        "token_api",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("nome", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "papel",
            sa.Enum(
                "viewer", "operator", "admin", "dpo", name="papel", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("criado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expira_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revogado_em", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_table(
        "chip_trust_historico",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column(
            "nivel",
            sa.Enum(
                "verde",
                "amarelo",
                "laranja",
                "vermelho",
                "critico",
                name="trust_historico_nivel",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("partes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("entradas", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_chip_trust_historico_chip", "chip_trust_historico", ["chip_id", sa.literal_column("em DESC")], unique=False
    )
    op.create_table(
        "vaga",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("hospital_id", sa.BigInteger(), nullable=False),
        sa.Column("especialidade_id", sa.BigInteger(), nullable=False),
        sa.Column("setor", sa.Text(), nullable=True),
        sa.Column("inicio", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fim", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "valor_tipo",
            sa.Enum(
                "fixo", "faixa", "a_combinar", name="valor_tipo", native_enum=False, create_constraint=True, length=32
            ),
            server_default="fixo",
            nullable=False,
        ),
        sa.Column("valor_centavos", sa.BigInteger(), nullable=True),
        sa.Column("valor_min_centavos", sa.BigInteger(), nullable=True),
        sa.Column("valor_max_centavos", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "aberta",
                "reservada",
                "confirmada",
                "pendente_confirmacao",
                "fechada",
                "realizada",
                "cancelada",
                name="status_vaga",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="aberta",
            nullable=False,
        ),
        sa.Column(
            "criticidade",
            sa.Enum(
                "normal", "urgente", "critica", name="criticidade", native_enum=False, create_constraint=True, length=32
            ),
            server_default="normal",
            nullable=False,
        ),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(valor_tipo = 'fixo' AND valor_centavos > 0) OR (valor_tipo = 'faixa' AND coalesce(valor_min_centavos, valor_max_centavos) > 0 AND coalesce(valor_min_centavos <= valor_max_centavos, true)) OR (valor_tipo = 'a_combinar' AND num_nonnulls(valor_centavos, valor_min_centavos, valor_max_centavos) = 0)",
            name="vaga_valor_coerente",
        ),
        sa.CheckConstraint("fim > inicio", name="vaga_fim_depois_do_inicio"),
        sa.ForeignKeyConstraint(
            ["especialidade_id"],
            ["especialidade.id"],
        ),
        sa.ForeignKeyConstraint(
            ["hospital_id"],
            ["hospital.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_vaga_aberta",
        "vaga",
        ["especialidade_id", "inicio"],
        unique=False,
        postgresql_where=sa.text("status = 'aberta'"),
    )
    op.create_index(op.f("ix_vaga_especialidade_id"), "vaga", ["especialidade_id"], unique=False)
    op.create_index(op.f("ix_vaga_hospital_id"), "vaga", ["hospital_id"], unique=False)


def downgrade() -> None:
    op.drop_table("vaga")
    op.drop_table("chip_trust_historico")
    op.drop_table("token_api")
    op.drop_table("hospital")
    op.drop_table("flag")
    op.drop_table("execucao_fluxo")
    op.drop_table("especialidade")
    op.drop_table("chip")
