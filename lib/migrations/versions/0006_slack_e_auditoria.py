"""Slack: who may do what there, what is told there; and the log of who did what."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


# The id is given under the lock, so that the chain's order is the ids' order. A row's hash covers the one before it.
AUDITORIA = (
    """
CREATE FUNCTION auditoria_hash(a auditoria) RETURNS bytea LANGUAGE sql STABLE AS $$
SELECT sha256(convert_to(jsonb_build_array(a.id, extract(epoch FROM a.em), a.ator, a.origem, a.acao, a.alvo,
  a.detalhes, a.resultado, encode(a.elo_anterior, 'hex'))::text, 'UTF8')) $$
""",
    """
CREATE FUNCTION auditoria_encadeia() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('agente.auditoria'));
  NEW.id := coalesce((SELECT max(id) FROM auditoria), 0) + 1;
  NEW.elo_anterior := (SELECT elo FROM auditoria ORDER BY id DESC LIMIT 1);
  NEW.elo := auditoria_hash(NEW);
  RETURN NEW;
END $$
""",
    """
CREATE TRIGGER auditoria_encadeia BEFORE INSERT ON auditoria
FOR EACH ROW EXECUTE FUNCTION auditoria_encadeia()
""",
    """
CREATE FUNCTION auditoria_imutavel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'auditoria is only ever added to';
END $$
""",
    """
CREATE TRIGGER auditoria_imutavel BEFORE UPDATE OR DELETE OR TRUNCATE ON auditoria
FOR EACH STATEMENT EXECUTE FUNCTION auditoria_imutavel()
""",
)


def upgrade() -> None:
    op.create_table(
        "auditoria",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ator", sa.Text(), nullable=False),
        sa.Column("origem", sa.Text(), nullable=False),
        sa.Column("acao", sa.Text(), nullable=False),
        sa.Column("alvo", sa.Text(), nullable=True),
        sa.Column("detalhes", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("resultado", sa.Text(), nullable=False),
        sa.Column("elo_anterior", sa.LargeBinary(), nullable=True),
        sa.Column("elo", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("elo"),
    )
    op.create_index("ix_auditoria_ator", "auditoria", ["ator", "id"], unique=False)
    op.create_table(
        "slack_confirmacao",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("usuario", sa.Text(), nullable=False),
        sa.Column("canal", sa.Text(), nullable=False),
        sa.Column("ferramenta", sa.Text(), nullable=False),
        sa.Column("args", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expira_em", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decidida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decisao", sa.Text(), nullable=True),
        sa.Column("resultado", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "slack_sessao",
        sa.Column("usuario", sa.Text(), nullable=False),
        sa.Column("canal", sa.Text(), nullable=False),
        sa.Column("mensagens", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("ativa_ate", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("usuario", "canal"),
    )
    op.create_table(
        "slack_usuario",
        sa.Column("usuario", sa.Text(), nullable=False),
        sa.Column("nome", sa.Text(), nullable=True),
        sa.Column(
            "papel",
            sa.Enum(
                "viewer",
                "operator",
                "admin",
                "dpo",
                name="papel_slack",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("criado_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revogado_em", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("usuario"),
    )
    op.create_table(
        "notificacao",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("chave", sa.Text(), nullable=False),
        sa.Column("aviso_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "severidade",
            sa.Enum(
                "critico",
                "alerta",
                "info",
                name="severidade_notificacao",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("texto", sa.Text(), nullable=False),
        sa.Column(
            "estado",
            sa.Enum(
                "pendente",
                "enviando",
                "incerta",
                "enviada",
                "resumida",
                "morta",
                name="estado_notificacao",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            server_default="pendente",
            nullable=False,
        ),
        sa.Column("canal", sa.Text(), nullable=True),
        sa.Column("slack_ts", sa.Text(), nullable=True),
        sa.Column("tentativas", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("motivo", sa.Text(), nullable=True),
        sa.Column("criada_em", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("postada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enviada_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconhecida_em", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reconhecida_por", sa.Text(), nullable=True),
        sa.Column("lembretes", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["aviso_id"], ["aviso.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("chave"),
    )
    op.create_index(
        "ix_notificacao_aberta",
        "notificacao",
        ["next_at", "id"],
        unique=False,
        postgresql_where=sa.text("estado IN ('pendente', 'enviando', 'incerta')"),
    )
    op.create_index(op.f("ix_notificacao_aviso_id"), "notificacao", ["aviso_id"], unique=False)
    op.create_index(
        "ix_notificacao_sem_resposta",
        "notificacao",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("severidade = 'critico' AND estado = 'enviada' AND reconhecida_em IS NULL"),
    )
    op.create_index(
        "ix_notificacao_cota",
        "notificacao",
        ["enviada_em"],
        unique=False,
        postgresql_where=sa.text("severidade = 'alerta' AND estado = 'enviada'"),
    )
    op.create_index(
        "ix_notificacao_mensagem",
        "notificacao",
        ["slack_ts"],
        unique=False,
        postgresql_where=sa.text("slack_ts IS NOT NULL"),
    )
    for statement in AUDITORIA:
        op.execute(statement)


def downgrade() -> None:
    for table in ("notificacao", "slack_usuario", "slack_sessao", "slack_confirmacao"):
        op.drop_table(table)
    op.execute("DROP TABLE auditoria CASCADE")
    for function in ("auditoria_imutavel()", "auditoria_encadeia()"):
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP FUNCTION IF EXISTS auditoria_hash")
