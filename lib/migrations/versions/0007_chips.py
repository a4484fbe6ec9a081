"""Chips: their life and its history, what WhatsApp lets them do, accounts at Meta, days."""

import sqlalchemy as sa
from alembic import op

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
    legal = sa.table("chip_transicao_legal", sa.column("de"), sa.column("para"), sa.column("ator"))
    op.bulk_insert(
        legal, [{"de": de, "para": para, "ator": ator} for de, para, atores in LEGAIS for ator in atores.split()]
    )
    op.execute(MUDA_STATUS)
    op.execute(GATILHO)


def downgrade() -> None:
    op.execute("DROP TRIGGER chip_muda_status ON chip")
    op.execute("DROP FUNCTION chip_muda_status")
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
    for table in ("chip_transicao", "chip_snapshot", "conta_meta", "chip_transicao_legal"):
        op.drop_table(table)
    op.execute("UPDATE chip SET status = 'degraded' WHERE status = 'restricted'")
    _kinds("chip", "status", "status_chip", tuple(one for one in STATUS if one != "restricted"))
    op.execute(
        "DELETE FROM notificacao WHERE aviso_id IN (SELECT id FROM aviso WHERE tipo IN ('chip', 'chip_perdido', 'pool'))"
    )
    op.execute("DELETE FROM aviso WHERE tipo IN ('chip', 'chip_perdido', 'pool')")
    _kinds("aviso", "tipo", "tipo_aviso", AVISOS)
