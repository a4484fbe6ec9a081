"""Chips: their life, why each send had its chip, breakers, portfolios, days, orders for new numbers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


STATUS = (
    "provisioned",
    "pending",
    "warming",
    "ready",
    "active",
    "degraded",
    "restricted",
    "paused",
    "banned",
    "cancelled",
)
AVISOS = ("transferencia", "interesse", "resposta_bloqueada", "sem_resposta", "mensagem_morta", "entrega", "integracao")
AVISOS_NOVOS = ("chip", "chip_perdido", "pool")
# From, to, and the hands that may.
LEGAIS = (
    ("provisioned", "warming", "fluxo gateway pessoa"),
    ("provisioned", "active", "pessoa"),
    ("provisioned", "banned", "fluxo gateway"),
    ("provisioned", "cancelled", "fluxo pessoa"),
    ("pending", "warming", "pessoa"),
    ("pending", "active", "pessoa"),
    ("pending", "banned", "fluxo gateway"),
    ("pending", "cancelled", "pessoa"),
    ("warming", "ready", "fluxo pessoa"),
    ("warming", "active", "pessoa"),
    ("ready", "active", "fluxo pessoa"),
    ("active", "ready", "pessoa"),
    ("active", "degraded", "fluxo pessoa"),
    ("degraded", "active", "fluxo pessoa"),
    ("warming", "restricted", "fluxo gateway"),
    ("ready", "restricted", "fluxo gateway"),
    ("active", "restricted", "fluxo gateway"),
    ("degraded", "restricted", "fluxo gateway"),
    ("restricted", "warming", "fluxo pessoa"),
    ("restricted", "ready", "fluxo pessoa"),
    ("restricted", "active", "fluxo pessoa"),
    ("restricted", "degraded", "fluxo pessoa"),
    ("provisioned", "paused", "pessoa"),
    ("warming", "paused", "pessoa"),
    ("ready", "paused", "pessoa"),
    ("active", "paused", "pessoa"),
    ("degraded", "paused", "pessoa"),
    ("restricted", "paused", "pessoa"),
    ("paused", "provisioned", "pessoa"),
    ("paused", "warming", "pessoa"),
    ("paused", "ready", "pessoa"),
    ("paused", "active", "pessoa"),
    ("paused", "degraded", "pessoa"),
    ("warming", "banned", "fluxo gateway pessoa"),
    ("ready", "banned", "fluxo gateway pessoa"),
    ("active", "banned", "fluxo gateway pessoa"),
    ("degraded", "banned", "fluxo gateway pessoa"),
    ("restricted", "banned", "fluxo gateway pessoa"),
    ("warming", "cancelled", "pessoa"),
    ("ready", "cancelled", "pessoa"),
    ("active", "cancelled", "pessoa"),
    ("degraded", "cancelled", "pessoa"),
    ("restricted", "cancelled", "pessoa"),
    ("paused", "cancelled", "pessoa"),
    ("banned", "cancelled", "pessoa"),
    ("banned", "provisioned", "pessoa"),
    ("cancelled", "provisioned", "fluxo pessoa"),
)

# Whoever changes a status: the change is legal for the hand that makes it, and it is written down. The send claim's own
# lock: once a ban has committed, no claim that saw the chip before it is still to commit. It queues behind the claims, so
# it may wait longer than others do.
MUDA_STATUS = """
CREATE FUNCTION chip_muda_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM chip_transicao_legal l
      WHERE l.de = OLD.status AND l.para = NEW.status AND l.ator = split_part(NEW.status_ator, ':', 1)) THEN
    RAISE EXCEPTION 'chip %: % -> % is not for % to do', OLD.id, OLD.status, NEW.status, NEW.status_ator
      USING ERRCODE = 'check_violation', CONSTRAINT = 'chip_transicao_legal', TABLE = 'chip';
  END IF;
  PERFORM set_config('lock_timeout', '4s', true);
  PERFORM pg_advisory_xact_lock(hashtext('agente.envio'));
  IF NEW.status_desde = OLD.status_desde THEN
    NEW.status_desde := now();
  END IF;
  IF OLD.status IN ('warming', 'ready', 'active', 'degraded') THEN
    NEW.status_anterior := OLD.status;
  END IF;
  INSERT INTO chip_transicao (chip_id, de, para, motivo, ator, trust_score, em)
  VALUES (OLD.id, OLD.status, NEW.status, NEW.status_motivo, NEW.status_ator, NEW.trust_score, NEW.status_desde);
  RETURN NEW;
END $$
"""
GATILHO = """
CREATE TRIGGER chip_muda_status BEFORE UPDATE OF status ON chip
FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION chip_muda_status()
"""


def _kinds(table: str, column: str, name: str, kinds: tuple[str, ...]) -> None:
    """Say anew which values a column may have."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, f"{column} IN ({listed})")


def upgrade() -> None:
    _kinds("chip", "status", "status_chip", STATUS)
    _kinds("aviso", "tipo", "tipo_aviso", AVISOS + AVISOS_NOVOS)
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
        "chip_transicao_legal",
        sa.Column("de", sa.Text(), nullable=False),
        sa.Column("para", sa.Text(), nullable=False),
        sa.Column("ator", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("de", "para", "ator"),
    )
    op.create_table(
        "conta_meta",
        sa.Column("conta", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("limite_dia", sa.Integer(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conta"),
    )
    op.create_table(
        "chip_snapshot",
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column("dia", sa.Date(), nullable=False),
        sa.Column("enviadas", sa.Integer(), nullable=False),
        sa.Column("proativas", sa.Integer(), nullable=False),
        sa.Column("recebidas", sa.Integer(), nullable=False),
        sa.Column("entregues", sa.Integer(), nullable=False),
        sa.Column("lidas", sa.Integer(), nullable=False),
        sa.Column("falhas", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(*STATUS, name="chip_snapshot_status", native_enum=False, create_constraint=True, length=32),
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
                name="chip_snapshot_fase",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("trust_score", sa.SmallInteger(), nullable=False),
        sa.Column("limite_hora", sa.Integer(), nullable=False),
        sa.Column("limite_dia", sa.Integer(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("chip_id", "dia"),
    )
    op.create_table(
        "chip_transicao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chip_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "de",
            sa.Enum(*STATUS, name="chip_transicao_de", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "para",
            sa.Enum(*STATUS, name="chip_transicao_para", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("motivo", sa.Text(), nullable=False),
        sa.Column("ator", sa.Text(), nullable=False),
        sa.Column("trust_score", sa.SmallInteger(), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["chip_id"],
            ["chip.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_chip_transicao_banido", "chip_transicao", ["em"], unique=False, postgresql_where=sa.text("para = 'banned'")
    )
    op.create_index("ix_chip_transicao_chip", "chip_transicao", ["chip_id", sa.literal_column("em DESC")], unique=False)
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
    op.add_column(
        "chip", sa.Column("status_desde", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
    )
    op.add_column("chip", sa.Column("status_motivo", sa.Text(), server_default="cadastro", nullable=False))
    op.add_column("chip", sa.Column("status_ator", sa.Text(), server_default="pessoa", nullable=False))
    op.add_column(
        "chip",
        sa.Column(
            "status_anterior",
            sa.Enum(*STATUS, name="status_chip_anterior", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
    )
    op.add_column("chip", sa.Column("reply_only_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chip", sa.Column("rampup_desde", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chip", sa.Column("rampup_parte", sa.SmallInteger(), server_default=sa.text("100"), nullable=False))
    op.add_column("chip", sa.Column("conexao_vista_em", sa.DateTime(timezone=True), nullable=True))
    op.add_column("chip", sa.Column("queda_codigo", sa.Integer(), nullable=True))
    op.add_column("chip", sa.Column("qualidade", sa.Text(), nullable=True))
    op.add_column("chip", sa.Column("salvy_id", sa.Text(), nullable=True))
    op.add_column("chip", sa.Column("cooldown_motivo", sa.Text(), nullable=True))
    op.drop_index(
        op.f("ix_chip_elegivel"),
        table_name="chip",
        postgresql_where="(((status)::text = 'active'::text) AND ((tipo)::text = 'julia'::text))",
    )
    op.create_index(
        "ix_chip_candidato", "chip", ["id"], unique=False, postgresql_where=sa.text("status <> 'cancelled'")
    )
    op.create_index("ix_chip_conta", "chip", ["conta"], unique=False, postgresql_where=sa.text("conta IS NOT NULL"))
    op.create_unique_constraint("chip_salvy_id_key", "chip", ["salvy_id"])
    op.drop_column("outbox", "escolha")
    legal = sa.table("chip_transicao_legal", sa.column("de"), sa.column("para"), sa.column("ator"))
    op.bulk_insert(
        legal, [{"de": de, "para": para, "ator": ator} for de, para, atores in LEGAIS for ator in atores.split()]
    )
    op.execute(MUDA_STATUS)
    op.execute(GATILHO)


def downgrade() -> None:
    op.execute("DROP TRIGGER chip_muda_status ON chip")
    op.execute("DROP FUNCTION chip_muda_status")
    op.add_column(
        "outbox", sa.Column("escolha", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)
    )
    op.drop_index("ix_chip_conta", table_name="chip")
    op.drop_index("ix_chip_candidato", table_name="chip")
    op.create_index(
        "ix_chip_elegivel",
        "chip",
        ["trust_score"],
        unique=False,
        postgresql_where=sa.text("status = 'active' AND tipo = 'julia'"),
    )
    for column in (
        *("cooldown_motivo", "salvy_id", "qualidade", "queda_codigo", "rampup_parte", "rampup_desde"),
        *("reply_only_until", "status_anterior", "status_ator", "status_motivo", "status_desde", "conexao_vista_em"),
    ):
        op.drop_column("chip", column)
    for table in (
        *("chip_decisao", "chip_selecao", "conversa_migracao", "provisao_ativacao", "provisao"),
        *("disjuntor_transicao", "disjuntor"),
        *("chip_transicao", "chip_snapshot", "conta_meta", "chip_transicao_legal"),
    ):
        op.drop_table(table)
    op.execute("UPDATE chip SET status = 'degraded' WHERE status = 'restricted'")
    _kinds("chip", "status", "status_chip", tuple(one for one in STATUS if one != "restricted"))
    op.execute(
        "DELETE FROM notificacao WHERE aviso_id IN (SELECT id FROM aviso WHERE tipo IN ('chip', 'chip_perdido', 'pool'))"
    )
    op.execute("DELETE FROM aviso WHERE tipo IN ('chip', 'chip_perdido', 'pool')")
    _kinds("aviso", "tipo", "tipo_aviso", AVISOS)
