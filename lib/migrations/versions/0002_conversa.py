"""Doctors, conversations, turns and judgements."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "medico",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("telefone", sa.Text(), nullable=True),
        sa.Column("lid", sa.Text(), nullable=True),
        sa.Column("nome", sa.Text(), nullable=True),
        sa.Column("crm", sa.Text(), nullable=True),
        sa.Column("especialidade_id", sa.BigInteger(), nullable=True),
        sa.Column("cidade", sa.Text(), nullable=True),
        sa.Column("uf", sa.Text(), nullable=True),
        sa.Column("anos_pratica", sa.Integer(), nullable=True),
        sa.Column("criado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("telefone IS NOT NULL OR lid IS NOT NULL", name="medico_tem_endereco"),
        sa.ForeignKeyConstraint(
            ["especialidade_id"],
            ["especialidade.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lid"),
        sa.UniqueConstraint("telefone"),
    )
    op.create_index(op.f("ix_medico_especialidade_id"), "medico", ["especialidade_id"], unique=False)
    op.create_table(
        "conversa",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "active",
                "paused",
                "escalated",
                "completed",
                "abandoned",
                name="status_conversa",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="active",
            nullable=False,
        ),
        sa.Column(
            "controle",
            sa.Enum("ai", "humano", name="controle", native_enum=False, create_constraint=True, length=32),
            server_default="ai",
            nullable=False,
        ),
        sa.Column(
            "estagio",
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
                name="estagio",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="novo",
            nullable=False,
        ),
        sa.Column("pausada_ate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ultima_entrada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ultima_saida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("encerrada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_conversa_chip_id"), "conversa", ["chip_id"], unique=False)
    op.create_index(
        "ix_conversa_encerrada",
        "conversa",
        ["encerrada_em"],
        unique=False,
        postgresql_where=sa.text("status IN ('completed', 'abandoned')"),
    )
    op.create_index(
        "ix_conversa_followup",
        "conversa",
        ["estagio", "ultima_saida_em"],
        unique=False,
        postgresql_where=sa.text("status = 'active'"),
    )
    op.create_index(op.f("ix_conversa_medico_id"), "conversa", ["medico_id"], unique=False)
    op.create_index(
        "uq_conversa_aberta",
        "conversa",
        ["medico_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('active', 'paused', 'escalated')"),
    )
    op.create_table(
        "doctor_state",
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "permissao",
            sa.Enum(
                "none",
                "initial",
                "active",
                "cooling_off",
                "opted_out",
                name="permissao",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="none",
            nullable=False,
        ),
        sa.Column("cooling_off_ate", sa.DateTime(timezone=True), nullable=True),
        sa.Column("temperatura", sa.Numeric(precision=3, scale=2), server_default=sa.text("0.50"), nullable=False),
        sa.Column(
            "tendencia",
            sa.Enum(
                "warming", "cooling", "stable", name="tendencia", native_enum=False, create_constraint=True, length=32
            ),
            server_default="stable",
            nullable=False,
        ),
        sa.Column("ultima_entrada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ultima_saida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ultima_saida_ator",
            sa.Enum("julia", "humano", name="ator", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("proximo_contato_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objecao", sa.Text(), nullable=True),
        sa.Column(
            "objecao_severidade",
            sa.Enum(
                "low",
                "medium",
                "high",
                "grave",
                name="severidade",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("objecao_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("objecao_resolvida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "ciclo",
            sa.Enum(
                "novo",
                "prospecting",
                "engaged",
                "qualified",
                "active",
                "churned",
                name="ciclo",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="novo",
            nullable=False,
        ),
        sa.Column("ultimo_decaimento_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("parada_perguntada_em", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("temperatura BETWEEN 0 AND 1", name="temperatura_de_0_a_1"),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.PrimaryKeyConstraint("medico_id"),
    )
    op.create_index(
        "ix_doctor_state_decaimento",
        "doctor_state",
        ["medico_id"],
        unique=False,
        postgresql_where=sa.text("temperatura > 0 AND permissao <> 'opted_out'"),
    )
    op.create_table(
        "avaliacao_qualidade",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("avaliador", sa.Text(), nullable=False),
        sa.Column("naturalidade", sa.SmallInteger(), nullable=False),
        sa.Column("persona", sa.SmallInteger(), nullable=False),
        sa.Column("objetivo", sa.SmallInteger(), nullable=False),
        sa.Column("satisfacao", sa.SmallInteger(), nullable=False),
        sa.Column("geral", sa.SmallInteger(), nullable=False),
        sa.Column("positivos", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("negativos", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("sugestoes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("evidencia", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("modelo", sa.Text(), nullable=False),
        sa.Column("prompt_hash", sa.Text(), nullable=False),
        sa.Column("custo_micro_usd", sa.BigInteger(), nullable=True),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "least(naturalidade, persona, objetivo, satisfacao, geral) >= 1 AND greatest(naturalidade, persona, objetivo, satisfacao, geral) <= 10",
            name="notas_de_1_a_10",
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conversation_id", "avaliador", name="uq_avaliacao_qualidade"),
    )
    op.create_table(
        "turno",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column(
            "desfecho",
            sa.Enum(
                "respondida",
                "silencio",
                "entregue_a_pessoa",
                "optout",
                "morta",
                name="desfecho",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=False),
        sa.Column("regra", sa.Text(), nullable=True),
        sa.Column("versao_policy", sa.Text(), nullable=True),
        sa.Column("entrada", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("decisao", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("situacao", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("modelo", sa.Text(), nullable=True),
        sa.Column("prompt_hash", sa.Text(), nullable=True),
        sa.Column("etapas", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("custos", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("custo_micro_usd", sa.BigInteger(), nullable=True),
        sa.Column("iniciado_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("terminado_em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("conversation_id", "fence", name="uq_turno"),
    )
    op.create_index(op.f("ix_turno_medico_id"), "turno", ["medico_id"], unique=False)


def downgrade() -> None:
    op.drop_table("turno")
    op.drop_table("avaliacao_qualidade")
    op.drop_table("doctor_state")
    op.drop_table("conversa")
    op.drop_table("medico")
