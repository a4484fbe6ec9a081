"""The conversation, whole: directives, knowledge, memory, hand-offs, notices, modes, edits, what a turn called."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# Every change of the directives raises the number by which caches know them. It is the clock's, in microseconds, so
# that two databases that share a cache, one restored or made anew beside the other, never give one number two meanings.
BUMP = """
CREATE FUNCTION diretriz_mudou() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE diretriz_versao
  SET versao = greatest(versao + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) WHERE id = 1;
  RETURN NULL;
END $$;
CREATE TRIGGER diretriz_mudou AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON diretriz
FOR EACH STATEMENT EXECUTE FUNCTION diretriz_mudou()
"""


def _tipo_envio(*kinds: str) -> None:
    """Say anew which kinds of sends there are."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("tipo_envio", "outbox", type_="check")
    op.create_check_constraint("tipo_envio", "outbox", f"tipo IN ({listed})")


def upgrade() -> None:
    op.create_table(
        "conhecimento",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "objecao",
                "perfil",
                "objetivo",
                "geral",
                name="tipo_conhecimento",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("subtipo", sa.Text(), nullable=True),
        sa.Column("titulo", sa.Text(), nullable=False),
        sa.Column("gatilhos", sa.Text(), server_default="", nullable=False),
        sa.Column("texto", sa.Text(), nullable=False),
        sa.Column("origem", sa.Text(), nullable=False),
        sa.Column(
            "busca",
            postgresql.TSVECTOR(),
            sa.Computed(
                "setweight(to_tsvector('portuguese', gatilhos), 'A') || setweight(to_tsvector('portuguese', titulo), 'B') || to_tsvector('portuguese', texto)",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("importado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("origem", "titulo", name="uq_conhecimento"),
    )
    op.create_index("ix_conhecimento_busca", "conhecimento", ["busca"], unique=False, postgresql_using="gin")
    op.create_table(
        "diretriz",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "foco_semana",
                "tom_semana",
                "evitar",
                "instrucao_geral",
                "observacoes",
                "margem_negociacao",
                "midia",
                name="tipo_diretriz",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("conteudo", sa.Text(), nullable=False),
        sa.Column(
            "escopo",
            sa.Enum(
                "vaga",
                "medico",
                "hospital",
                "especialidade",
                "geral",
                name="escopo_diretriz",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="geral",
            nullable=False,
        ),
        sa.Column("escopo_id", sa.BigInteger(), nullable=True),
        sa.Column("prioridade", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("criada_por", sa.Text(), nullable=False),
        sa.Column("ativa", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("expira_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(escopo = 'geral') = (escopo_id IS NULL)", name="diretriz_escopo_com_id"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_diretriz_ativa", "diretriz", ["tipo"], unique=False, postgresql_where=sa.text("ativa"))
    op.create_table(
        "diretriz_versao",
        sa.Column("id", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("versao", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name="diretriz_versao_uma_linha"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "lid_telefone",
        sa.Column("lid", sa.Text(), nullable=False),
        sa.Column("telefone", sa.Text(), nullable=False),
        sa.Column("visto_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("lid"),
    )
    op.create_index(op.f("ix_lid_telefone_telefone"), "lid_telefone", ["telefone"], unique=False)
    op.create_table(
        "aviso",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "transferencia",
                "interesse",
                "resposta_bloqueada",
                "sem_resposta",
                "mensagem_morta",
                name="tipo_aviso",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        sa.Column("texto", sa.Text(), nullable=False),
        sa.Column("criado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("visto_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visto_por", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chave"),
    )
    op.create_index("ix_aviso_aberto", "aviso", ["id"], unique=False, postgresql_where=sa.text("visto_em IS NULL"))
    op.create_index(op.f("ix_aviso_conversation_id"), "aviso", ["conversation_id"], unique=False)
    op.create_table(
        "interesse",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column("vaga_id", sa.BigInteger(), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("observacao", sa.Text(), nullable=True),
        sa.Column("em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.ForeignKeyConstraint(
            ["vaga_id"],
            ["vaga.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("medico_id", "vaga_id", name="uq_interesse"),
    )
    op.create_index(op.f("ix_interesse_conversation_id"), "interesse", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_interesse_vaga_id"), "interesse", ["vaga_id"], unique=False)
    op.create_table(
        "transferencia",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("conversation_id", sa.BigInteger(), nullable=False),
        sa.Column("turn_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "gatilho",
            sa.Enum(
                "pedido_humano",
                "juridico",
                "sentimento_negativo",
                "baixa_confianca",
                "policy_grave_objection",
                "policy",
                "midia",
                "resposta_bloqueada",
                "modelo_recusou",
                "celular",
                "manual",
                name="gatilho",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pendente",
                "assumida",
                "resolvida",
                name="status_transferencia",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("aberta_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("assumida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assumida_por", sa.Text(), nullable=True),
        sa.Column("resolvida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolvida_por", sa.Text(), nullable=True),
        sa.Column("notas", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversa.id"],
        ),
        sa.ForeignKeyConstraint(
            ["turn_id"],
            ["turno.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_transferencia_conversation_id"), "transferencia", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_transferencia_turn_id"), "transferencia", ["turn_id"], unique=False)
    op.create_index(
        "uq_transferencia_aberta",
        "transferencia",
        ["conversation_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'resolvida'"),
    )
    op.create_table(
        "memoria",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("medico_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "tipo",
            sa.Enum(
                "preferencia",
                "restricao",
                "info_pessoal",
                "historico",
                "comportamento",
                name="tipo_memoria",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "assunto",
            sa.Enum(
                "turno",
                "regiao",
                "valor_minimo",
                "hospital",
                "especialidade",
                "disponibilidade",
                "contato",
                "outro",
                name="assunto_memoria",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("texto", sa.Text(), nullable=True),
        sa.Column(
            "confianca",
            sa.Enum(
                "alta", "media", "baixa", name="confianca_memoria", native_enum=False, create_constraint=True, length=32
            ),
            server_default="media",
            nullable=False,
        ),
        sa.Column("inbox_id", sa.BigInteger(), nullable=True),
        sa.Column("fonte", sa.Text(), nullable=False),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("substituida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("substituida_por", sa.BigInteger(), nullable=True),
        sa.Column("esquecida_em", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["inbox_id"],
            ["inbox.id"],
        ),
        sa.ForeignKeyConstraint(
            ["medico_id"],
            ["medico.id"],
        ),
        sa.ForeignKeyConstraint(
            ["substituida_por"],
            ["memoria.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_memoria_inbox_id"), "memoria", ["inbox_id"], unique=False)
    op.create_index(
        "ix_memoria_medico",
        "memoria",
        ["medico_id"],
        unique=False,
        postgresql_where=sa.text("substituida_em IS NULL AND esquecida_em IS NULL"),
    )
    op.create_index(op.f("ix_memoria_medico_id"), "memoria", ["medico_id"], unique=False)
    op.create_index(op.f("ix_memoria_substituida_por"), "memoria", ["substituida_por"], unique=False)
    op.create_index(
        "uq_memoria_em_vigor",
        "memoria",
        ["medico_id", "assunto"],
        unique=True,
        postgresql_where=sa.text("substituida_em IS NULL AND esquecida_em IS NULL AND assunto <> 'outro'"),
    )
    op.add_column(
        "conversa",
        sa.Column(
            "modo",
            sa.Enum(
                "discovery",
                "oferta",
                "followup",
                "reativacao",
                name="modo",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="discovery",
            nullable=False,
        ),
    )
    op.add_column("conversa", sa.Column("modo_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversa", sa.Column("modo_motivo", sa.Text(), nullable=True))
    op.add_column(
        "conversa",
        sa.Column(
            "modo_pendente",
            sa.Enum(
                "discovery",
                "oferta",
                "followup",
                "reativacao",
                name="modo_pendente",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
    )
    op.add_column("conversa", sa.Column("modo_pendente_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column("conversa", sa.Column("humano_em", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_conversa_humano", "conversa", ["humano_em"], unique=False, postgresql_where=sa.text("controle = 'humano'")
    )
    op.add_column("inbox", sa.Column("alvo_msg_id", sa.Text(), nullable=True))
    op.add_column("inbox", sa.Column("citada_msg_id", sa.Text(), nullable=True))
    op.add_column(
        "inbox", sa.Column("conteudo", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("inbox", sa.Column("revisao", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.create_index(
        "ix_inbox_alvo", "inbox", ["alvo_msg_id"], unique=False, postgresql_where=sa.text("alvo_msg_id IS NOT NULL")
    )
    op.create_index("ix_inbox_morta", "inbox", ["id"], unique=False, postgresql_where=sa.text("tipo = 'morta'"))
    op.create_index(
        "ix_inbox_sem_resposta",
        "inbox",
        ["id"],
        unique=False,
        postgresql_where=sa.text("desfecho LIKE 'sem_resposta%'"),
    )
    op.create_index(
        "ix_mailbox_morta", "mailbox", ["conversation_id"], unique=False, postgresql_where=sa.text("dead IS NOT NULL")
    )
    op.create_index(
        "ix_outbox_morta", "outbox", ["id"], unique=False, postgresql_where=sa.text("state IN ('dead', 'parked')")
    )
    op.add_column("interacao", sa.Column("editada_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column("interacao", sa.Column("apagada_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "outbox", sa.Column("escolha", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("turno", sa.Column("tentativa", sa.SmallInteger(), server_default=sa.text("1"), nullable=False))
    op.add_column(
        "turno",
        sa.Column(
            "modo",
            sa.Enum(
                "discovery",
                "oferta",
                "followup",
                "reativacao",
                name="modo_turno",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
    )
    op.add_column(
        "turno", sa.Column("prompts", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "turno", sa.Column("chamadas", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column(
        "turno", sa.Column("ferramentas", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.add_column("vaga", sa.Column("medico_id", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_vaga_medico_id"), "vaga", ["medico_id"], unique=False)
    _tipo_envio("resposta", "lembrete", "followup", "prospeccao")
    op.execute(BUMP)
    op.execute("INSERT INTO diretriz_versao (id, versao) VALUES (1, 1)")
    op.create_foreign_key("vaga_medico_id_fkey", "vaga", "medico", ["medico_id"], ["id"])


def downgrade() -> None:
    op.execute("DELETE FROM outbox WHERE tipo = 'lembrete' AND state <> 'sent'")
    op.execute("UPDATE outbox SET tipo = 'resposta' WHERE tipo = 'lembrete'")
    _tipo_envio("resposta", "followup", "prospeccao")
    op.execute("DROP TRIGGER diretriz_mudou ON diretriz")
    op.execute("DROP FUNCTION diretriz_mudou()")
    op.drop_constraint("vaga_medico_id_fkey", "vaga", type_="foreignkey")
    op.drop_index(op.f("ix_vaga_medico_id"), table_name="vaga")
    op.drop_column("vaga", "medico_id")
    op.drop_column("turno", "ferramentas")
    op.drop_column("turno", "chamadas")
    op.drop_column("turno", "prompts")
    op.drop_column("turno", "modo")
    op.drop_column("turno", "tentativa")
    op.drop_column("outbox", "escolha")
    op.drop_column("interacao", "apagada_em")
    op.drop_column("interacao", "editada_em")
    op.drop_index("ix_inbox_alvo", table_name="inbox", postgresql_where=sa.text("alvo_msg_id IS NOT NULL"))
    op.drop_index("ix_outbox_morta", table_name="outbox", postgresql_where=sa.text("state IN ('dead', 'parked')"))
    op.drop_index("ix_mailbox_morta", table_name="mailbox", postgresql_where=sa.text("dead IS NOT NULL"))
    op.drop_index("ix_inbox_sem_resposta", table_name="inbox")
    op.drop_index("ix_inbox_morta", table_name="inbox", postgresql_where=sa.text("tipo = 'morta'"))
    op.drop_column("inbox", "revisao")
    op.drop_column("inbox", "conteudo")
    op.drop_column("inbox", "citada_msg_id")
    op.drop_column("inbox", "alvo_msg_id")
    op.drop_index("ix_conversa_humano", table_name="conversa", postgresql_where=sa.text("controle = 'humano'"))
    op.drop_column("conversa", "humano_em")
    op.drop_column("conversa", "modo_pendente_em")
    op.drop_column("conversa", "modo_pendente")
    op.drop_column("conversa", "modo_motivo")
    op.drop_column("conversa", "modo_em")
    op.drop_column("conversa", "modo")
    op.drop_index(
        "uq_memoria_em_vigor",
        table_name="memoria",
        postgresql_where=sa.text("substituida_em IS NULL AND esquecida_em IS NULL AND assunto <> 'outro'"),
    )
    op.drop_index(op.f("ix_memoria_substituida_por"), table_name="memoria")
    op.drop_index(op.f("ix_memoria_medico_id"), table_name="memoria")
    op.drop_index(
        "ix_memoria_medico",
        table_name="memoria",
        postgresql_where=sa.text("substituida_em IS NULL AND esquecida_em IS NULL"),
    )
    op.drop_index(op.f("ix_memoria_inbox_id"), table_name="memoria")
    op.drop_table("memoria")
    op.drop_index(
        "uq_transferencia_aberta", table_name="transferencia", postgresql_where=sa.text("status <> 'resolvida'")
    )
    op.drop_index(op.f("ix_transferencia_turn_id"), table_name="transferencia")
    op.drop_index(op.f("ix_transferencia_conversation_id"), table_name="transferencia")
    op.drop_table("transferencia")
    op.drop_index(op.f("ix_interesse_vaga_id"), table_name="interesse")
    op.drop_index(op.f("ix_interesse_conversation_id"), table_name="interesse")
    op.drop_table("interesse")
    op.drop_index(op.f("ix_aviso_conversation_id"), table_name="aviso")
    op.drop_index("ix_aviso_aberto", table_name="aviso", postgresql_where=sa.text("visto_em IS NULL"))
    op.drop_table("aviso")
    op.drop_index(op.f("ix_lid_telefone_telefone"), table_name="lid_telefone")
    op.drop_table("lid_telefone")
    op.drop_table("diretriz_versao")
    op.drop_index("ix_diretriz_ativa", table_name="diretriz", postgresql_where=sa.text("ativa"))
    op.drop_table("diretriz")
    op.drop_index("ix_conhecimento_busca", table_name="conhecimento", postgresql_using="gin")
    op.drop_table("conhecimento")
