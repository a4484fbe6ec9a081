"""Follow-ups: which conversations are due, what their guardrails need, and their rows in the outbox (decision D7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.cadencia import CADENCIA, PAUSA, Estagio, Passo
from lib.domain.chip import TipoEnvio
from lib.domain.estado import DoctorState, Permissao
from lib.domain.guardrails import CAP_JANELA

SEM_NOME = "tudo bem"
PRIORIDADE = 5

# A conversation that cannot get a follow-up now (queued before, opted out) never keeps a due one from its place.
_DUE = """
WITH passo AS (
  SELECT * FROM unnest(CAST(:estagios AS text[]), CAST(:limites AS timestamptz[])) AS p(estagio, limite)),
vencida AS (
  SELECT c.id, c.ultima_saida_em,
    c.controle <> 'ai' OR coalesce(s.permissao = 'opted_out', false) OR EXISTS (
      SELECT FROM outbox o WHERE o.cause = 'followup:' || c.id || ':' || c.estagio || ':'
        || CAST(extract(epoch FROM c.ultima_saida_em) * 1000000 AS bigint)) AS depois
  FROM conversa c JOIN passo p ON c.estagio = p.estagio
  LEFT JOIN doctor_state s ON s.medico_id = c.medico_id
  WHERE c.status = 'active' AND (c.ultima_saida_em IS NULL OR c.ultima_saida_em <= p.limite)
    AND (c.ultima_entrada_em IS NULL OR c.ultima_saida_em IS NULL OR c.ultima_entrada_em < c.ultima_saida_em)
    AND (c.pausada_ate IS NULL OR c.pausada_ate <= :agora)
  ORDER BY depois, c.ultima_saida_em, c.id LIMIT :limite),
fim AS (
  SELECT id FROM conversa WHERE status IN ('active', 'paused') AND estagio = 'nao_respondeu'
    AND coalesce(pausada_ate, ultima_saida_em + :pausa) <= :agora)"""

_FIND = text(
    "-- followup.find"  # noqa: S608 - both parts are constants of this module
    + _DUE
    + """
SELECT coalesce((SELECT array_agg(id ORDER BY id) FROM vencida), '{}') AS vencidas,
  coalesce((SELECT array_agg(id ORDER BY id) FROM fim), '{}') AS fins, (SELECT count(*) FROM fim) AS recontatadas
"""
)

_FIND_AND_RESUME = text(
    "-- followup.find_and_resume"  # noqa: S608 - both parts are constants of this module
    + _DUE
    + """,
volta AS (
  UPDATE conversa c SET estagio = 'recontato', pausada_ate = NULL FROM fim WHERE c.id = fim.id
    AND c.estagio = 'nao_respondeu' RETURNING c.id)
SELECT coalesce((SELECT array_agg(id ORDER BY id) FROM vencida), '{}') AS vencidas,
  coalesce((SELECT array_agg(id ORDER BY id) FROM fim), '{}') AS fins, (SELECT count(*) FROM volta) AS recontatadas
"""
)

_CANDIDATES = text("""-- followup.candidates
SELECT c.id, c.medico_id, c.estagio, c.ultima_saida_em, c.controle, m.nome, m.uf,
  s.medico_id IS NOT NULL AS tem_estado, s.permissao, s.cooling_off_ate, s.proximo_contato_em, s.parada_perguntada_em,
  coalesce((
    SELECT array_agg(o.enviando_em) FROM outbox o WHERE o.medico_id = c.medico_id AND o.proativa
      AND o.state IN ('sending', 'unknown', 'sent', 'parked') AND o.enviando_em > :agora - CAST(:janela AS interval)),
    '{}') AS contatos,
  EXISTS (SELECT FROM outbox o WHERE o.conversation_id = c.id AND o.tipo = 'followup'
    AND o.state IN ('pending', 'sending', 'unknown')) AS na_fila,
  e.causa, EXISTS (SELECT FROM outbox o WHERE o.cause = e.causa) AS ja_tentada,
  v.hospital, v.cidade, v.uf AS vaga_uf, v.inicio, v.fim
FROM unnest(CAST(:ids AS bigint[])) AS k(id)
JOIN conversa c ON c.id = k.id
CROSS JOIN LATERAL (SELECT 'followup:' || c.id || ':' || c.estagio || ':'
  || CAST(extract(epoch FROM c.ultima_saida_em) * 1000000 AS bigint) AS causa) e
JOIN medico m ON m.id = c.medico_id
LEFT JOIN doctor_state s ON s.medico_id = c.medico_id
LEFT JOIN LATERAL (
  SELECT h.nome AS hospital, h.cidade, h.uf, v.inicio, v.fim FROM vaga v JOIN hospital h ON h.id = v.hospital_id
  WHERE v.status = 'aberta' AND v.especialidade_id = m.especialidade_id AND v.inicio > :agora
  ORDER BY h.uf = m.uf DESC NULLS LAST, v.inicio, v.id LIMIT 1) v ON c.estagio = ANY(CAST(:com_vaga AS text[]))
WHERE c.status = 'active' AND c.estagio = ANY(CAST(:estagios AS text[]))
  AND (c.ultima_entrada_em IS NULL OR c.ultima_saida_em IS NULL OR c.ultima_entrada_em < c.ultima_saida_em)
ORDER BY c.id
""")

# Where only an approved template may go, it is the one named after the step, with the doctor's first name as its value.
# Only what still stands as it was judged is queued: an answer that landed meanwhile needs no reminder.
_ENQUEUE = text("""-- followup.enqueue
WITH novo AS (
  SELECT n.* FROM unnest(CAST(:conversas AS bigint[]), CAST(:medicos AS bigint[]), CAST(:causas AS text[]),
    CAST(:corpos AS text[]), CAST(:hashes AS bytea[]), CAST(:de AS text[]), CAST(:para AS text[]),
    CAST(:bases AS timestamptz[]), CAST(:quando AS timestamptz[]), CAST(:nomes AS text[]))
    AS n(conversa_id, medico_id, causa, corpo, hash, de, para, base, quando, nome)
  JOIN conversa c ON c.id = n.conversa_id AND c.estagio = n.de AND c.ultima_saida_em = n.base
    AND c.status = 'active' AND c.controle = 'ai' AND coalesce(c.ultima_entrada_em < c.ultima_saida_em, true)
  WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.cause = n.causa)),
posta AS (
  INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, estagio_apos, proativa, prioridade,
    next_at, criada_em, modelo)
  SELECT conversa_id, medico_id, causa, corpo, hash, :tipo, para, true, :prioridade, quando, :agora,
    jsonb_build_object('nome', para, 'idioma', 'pt_BR', 'parametros', jsonb_build_array(nome))
  FROM novo
  ORDER BY conversa_id
  ON CONFLICT (cause) DO NOTHING RETURNING id)
SELECT (SELECT count(*) FROM novo) AS validas, (SELECT count(*) FROM posta) AS postas
""")


@dataclass(frozen=True, slots=True)
class Vencidas:
    """Conversations due for a step, those whose pause is over, and how many of the latter were taken up again."""

    vencidas: tuple[int, ...]
    fins: tuple[int, ...]
    recontatadas: int


@dataclass(frozen=True, slots=True)
class Vaga:
    """What a follow-up says of one open shift: where and when, never the pay (decision D6)."""

    hospital: str
    cidade: str
    uf: str
    inicio: datetime
    fim: datetime


@dataclass(frozen=True, slots=True)
class Candidata:
    """One due conversation with what its guardrails need.

    `base` is the instant of our last unanswered message; `causa` names the silence after it and holds no run's clock.
    """

    conversa_id: int
    medico_id: int
    passo: Passo
    base: datetime | None
    causa: str | None
    humano: bool
    nome: str
    uf: str | None
    estado: DoctorState | None
    parada_incerta: bool
    contatos: tuple[datetime, ...]
    na_fila: bool
    ja_tentada: bool
    vaga: Vaga | None


@dataclass(frozen=True, slots=True)
class Novo:
    """One message to queue."""

    candidata: Candidata
    corpo: str
    quando: datetime


async def find(db: Database, agora: datetime, limite: int, *, aplicar: bool) -> Vencidas:
    """Find what is due, in one statement; `aplicar` also takes up the conversations whose pause is over."""
    params = {
        "agora": agora,
        "estagios": [passo.de.value for passo in CADENCIA],
        "limites": [agora - passo.espera for passo in CADENCIA],
        "pausa": PAUSA,
        "limite": limite,
    }
    [[row]] = await db.round_trip(Step(_FIND_AND_RESUME if aplicar else _FIND, params, writes=aplicar))
    return Vencidas(tuple(row["vencidas"]), tuple(row["fins"]), row["recontatadas"])


async def candidates(db: Database, ids: Sequence[int], agora: datetime) -> list[Candidata]:
    """Read what judging these conversations needs, in one statement; those that moved on meanwhile are left out."""
    params = {
        "ids": list(ids),
        "agora": agora,
        "janela": CAP_JANELA,
        "estagios": [passo.de.value for passo in CADENCIA],
        "com_vaga": [passo.de.value for passo in CADENCIA if passo.com_vaga],
    }
    [rows] = await db.round_trip(Step(_CANDIDATES, params))
    return [_candidate(row) for row in rows]


def _candidate(row: Row) -> Candidata:
    estado = None
    if row["tem_estado"]:
        estado = DoctorState(
            permissao=Permissao(row["permissao"]),
            cooling_off_ate=row["cooling_off_ate"],
            proximo_contato_em=row["proximo_contato_em"],
        )
    vaga = None
    if row["hospital"] is not None:
        vaga = Vaga(row["hospital"], row["cidade"], row["vaga_uf"], row["inicio"], row["fim"])
    return Candidata(
        conversa_id=row["id"],
        medico_id=row["medico_id"],
        passo=next(passo for passo in CADENCIA if passo.de is Estagio(row["estagio"])),
        base=row["ultima_saida_em"],
        causa=row["causa"],
        humano=row["controle"] == "humano",
        nome=row["nome"] or "",
        uf=row["uf"],
        estado=estado,
        parada_incerta=row["parada_perguntada_em"] is not None,
        contatos=tuple(row["contatos"]),
        na_fila=row["na_fila"],
        ja_tentada=row["ja_tentada"],
        vaga=vaga,
    )


async def enqueue(db: Database, novos: Sequence[Novo], agora: datetime) -> tuple[int, int]:
    """Queue follow-ups in one statement; return how many still stood as judged, and how many were really queued."""
    judged = [novo.candidata for novo in novos]
    params = {
        "conversas": [candidata.conversa_id for candidata in judged],
        "medicos": [candidata.medico_id for candidata in judged],
        "causas": [candidata.causa for candidata in judged],
        "corpos": [novo.corpo for novo in novos],
        "hashes": [sha256(novo.corpo.encode()).digest() for novo in novos],
        "de": [candidata.passo.de.value for candidata in judged],
        "para": [candidata.passo.para.value for candidata in judged],
        "bases": [candidata.base for candidata in judged],
        "quando": [novo.quando for novo in novos],
        "nomes": [(candidata.nome.split() or [SEM_NOME])[0] for candidata in judged],
        "tipo": TipoEnvio.FOLLOWUP.value,
        "prioridade": PRIORIDADE,
        "agora": agora,
    }
    [[row]] = await db.round_trip(Step(_ENQUEUE, params, writes=True))
    return row["validas"], row["postas"]
