"""inicio."""

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
    op.drop_index("uq_interacao_outbox", table_name="interacao")
    op.drop_index("uq_interacao_inbox", table_name="interacao")
    op.drop_index("ix_interacao_provider", table_name="interacao")
    op.drop_index("ix_interacao_medico", table_name="interacao")
    op.drop_index("ix_interacao_conversa", table_name="interacao")
    op.drop_index("ix_interacao_chip", table_name="interacao")
    op.drop_table("interacao")
    op.drop_index("uq_outbox_em_voo", table_name="outbox", postgresql_where=sa.text("state IN ('sending', 'unknown')"))
    op.drop_index(
        "ix_outbox_uso",
        table_name="outbox",
        postgresql_where=sa.text("state IN ('sending', 'unknown', 'sent', 'parked')"),
    )
    op.drop_index(op.f("ix_outbox_turn_id"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_provider_msg_id"), table_name="outbox")
    op.drop_index(
        "ix_outbox_ordem", table_name="outbox", postgresql_where=sa.text("state IN ('pending', 'sending', 'unknown')")
    )
    op.drop_index("ix_outbox_falha", table_name="outbox", postgresql_where=sa.text("falhou_em IS NOT NULL"))
    op.drop_index("ix_outbox_devida", table_name="outbox", postgresql_where=sa.text("state = 'pending'"))
    op.drop_index(op.f("ix_outbox_conversation_id"), table_name="outbox")
    op.drop_index(
        "ix_outbox_contato",
        table_name="outbox",
        postgresql_where=sa.text("proativa AND state IN ('sending', 'unknown', 'sent', 'parked')"),
    )
    op.drop_index("ix_outbox_claim", table_name="outbox", postgresql_where=sa.text("claim IS NOT NULL"))
    op.drop_index("ix_outbox_aberta", table_name="outbox", postgresql_where=sa.text("state IN ('sending', 'unknown')"))
    op.drop_table("outbox")
    op.drop_index("ix_inbox_turno", table_name="inbox", postgresql_where=sa.text("turn_id IS NOT NULL"))
    op.drop_index("ix_inbox_eco", table_name="inbox", postgresql_where=sa.text("tipo = 'eco'"))
    op.drop_index(op.f("ix_inbox_conversation_id"), table_name="inbox")
    op.drop_index(
        "ix_inbox_aberta",
        table_name="inbox",
        postgresql_where=sa.text("turn_id IS NULL AND tipo = 'mensagem' AND desfecho IS NULL"),
    )
    op.drop_table("inbox")
    op.drop_index(op.f("ix_turno_medico_id"), table_name="turno")
    op.drop_table("turno")
    op.drop_index(
        "ix_mailbox_devida", table_name="mailbox", postgresql_where=sa.text("due_at IS NOT NULL AND dead IS NULL")
    )
    op.drop_index("ix_mailbox_claim", table_name="mailbox", postgresql_where=sa.text("claim IS NOT NULL"))
    op.drop_table("mailbox")
    op.drop_table("avaliacao_qualidade")
    op.drop_index(
        "ix_doctor_state_decaimento",
        table_name="doctor_state",
        postgresql_where=sa.text("temperatura > 0 AND permissao <> 'opted_out'"),
    )
    op.drop_table("doctor_state")
    op.drop_index(
        "uq_conversa_aberta",
        table_name="conversa",
        postgresql_where=sa.text("status IN ('active', 'paused', 'escalated')"),
    )
    op.drop_index(op.f("ix_conversa_medico_id"), table_name="conversa")
    op.drop_index("ix_conversa_followup", table_name="conversa", postgresql_where=sa.text("status = 'active'"))
    op.drop_index(
        "ix_conversa_encerrada", table_name="conversa", postgresql_where=sa.text("status IN ('completed', 'abandoned')")
    )
    op.drop_index(op.f("ix_conversa_chip_id"), table_name="conversa")
    op.drop_table("conversa")
    op.drop_index(op.f("ix_vaga_hospital_id"), table_name="vaga")
    op.drop_index(op.f("ix_vaga_especialidade_id"), table_name="vaga")
    op.drop_index("ix_vaga_aberta", table_name="vaga", postgresql_where=sa.text("status = 'aberta'"))
    op.drop_table("vaga")
    op.drop_index(op.f("ix_medico_especialidade_id"), table_name="medico")
    op.drop_table("medico")
    op.drop_index(op.f("ix_delivery_event_chip_id"), table_name="delivery_event")
    op.drop_table("delivery_event")
    op.drop_index("ix_chip_trust_historico_chip", table_name="chip_trust_historico")
    op.drop_table("chip_trust_historico")
    op.drop_table("tool_effect")
    op.drop_table("token_api")
    op.drop_table("hospital")
    op.drop_table("flag")
    op.drop_index("ix_execucao_fluxo", table_name="execucao_fluxo")
    op.drop_table("execucao_fluxo")
    op.drop_table("especialidade")
    op.drop_index(
        "ix_chip_elegivel", table_name="chip", postgresql_where=sa.text("status = 'active' AND tipo = 'julia'")
    )
    op.drop_table("chip")
