"""The choice of a chip inside the send claim: the pool judged once for each kind of send, then a chip for each message.

The same rules in words of their own are `lib.domain.selecao`; tests hold both together. Everything is counted after the
claim's lock was taken, from the outbox itself.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import text

from lib.domain.chip import ENVIA, TRUST_MINIMO, TRUST_MINIMO_RESERVA, TipoEnvio
from lib.domain.selecao import PERTO, TIER_MINIMO, TODOS, Regra
from lib.queries.quem import DESTINO

SEM_CHIP_S: Final = 5.0
SEM_CHIP_MAX_S: Final = 60.0
GUARDA_S: Final = 300.0  # how often it is stored anew that a message has no chip

# Sends of the rolling hour and day, from the index alone.
_USO: Final = """uso AS (
  SELECT u.chip_id, count(*) AS dia, count(*) FILTER (WHERE u.enviando_em > now() - interval '1 hour') AS hora,
    max(u.enviando_em) AS ultimo_em
  FROM outbox u WHERE u.enviando_em > now() - interval '1 day' AND u.state IN ('sending', 'unknown', 'sent', 'parked')
  GROUP BY u.chip_id)"""

# How many people each Meta account may still write first: its tier less those whom it wrote to in 24 hours.
_CONTA: Final = """conta AS (
  SELECT k.conta, coalesce(max(m.limite_dia), :tier_minimo) - count(DISTINCT o.medico_id) AS folga
  FROM chip k LEFT JOIN conta_meta m ON m.conta = k.conta
  LEFT JOIN outbox o ON o.chip_id = k.id AND o.proativa AND o.enviando_em > now() - interval '1 day'
    AND o.state IN ('sending', 'unknown', 'sent', 'parked')
  WHERE k.conta IS NOT NULL AND k.gateway = 'meta' GROUP BY k.conta)"""

# The pool as it stands. A full limit has room again when enough of its sends are an hour, or a day, old.
_FATO: Final = """fato AS MATERIALIZED (
  SELECT k.id, k.tipo, k.status, k.gateway, k.conta, k.trust_score AS trust, k.pode_prospectar, k.pode_followup,
    k.pode_responder, k.conectado, k.reply_only_until, k.cooldown_ate, d.aberto_ate,
    d.aberto_ate IS NOT NULL AND EXISTS (SELECT FROM outbox x WHERE x.chip_id = k.id AND x.state = 'sending') AS no_ar,
    coalesce(u.hora, 0) AS uso_hora, f.hora AS limite_hora, coalesce(u.dia, 0) AS uso_dia, f.dia AS limite_dia,
    CASE WHEN f.hora > 0 AND u.hora >= f.hora THEN (SELECT x.enviando_em + interval '1 hour' FROM outbox x
      WHERE x.chip_id = k.id AND x.state IN ('sending', 'unknown', 'sent', 'parked')
      ORDER BY x.enviando_em DESC OFFSET f.hora - 1 LIMIT 1) END AS hora_livre_em,
    CASE WHEN f.dia > 0 AND u.dia >= f.dia THEN (SELECT x.enviando_em + interval '1 day' FROM outbox x
      WHERE x.chip_id = k.id AND x.state IN ('sending', 'unknown', 'sent', 'parked')
      ORDER BY x.enviando_em DESC OFFSET f.dia - 1 LIMIT 1) END AS dia_livre_em,
    c.folga AS folga_conta, u.ultimo_em, k.delay_minimo_s AS intervalo_s
  FROM chip k CROSS JOIN LATERAL (
    SELECT k.limite_hora * k.rampup_parte / 100 AS hora, k.limite_dia * k.rampup_parte / 100 AS dia) f
  LEFT JOIN uso u ON u.chip_id = k.id
  LEFT JOIN disjuntor d ON d.chip_id = k.id AND d.gateway = k.gateway
  LEFT JOIN conta c ON c.conta = k.conta AND k.gateway = 'meta'
  WHERE k.status <> 'cancelled')"""

_PEDIDA: Final = """pedida AS MATERIALIZED (
  SELECT o.id, o.medico_id, o.tipo, o.prioridade, o.modelo, o.fence, c.chip_id AS afim_conversa,
    CASE WHEN c.chip_id IS NULL THEN (SELECT i.chip_id FROM interacao i WHERE i.medico_id = o.medico_id
      AND i.chip_id IS NOT NULL ORDER BY i.em DESC LIMIT 1) END AS afim_medico,
    CASE WHEN d.telefone IS NULL THEN d.lid LIKE '%.%' END AS so_meta,
    row_number() OVER (ORDER BY o.prioridade DESC, o.id) - 1 AS lugar
  FROM outbox o JOIN conversa c ON c.id = o.conversation_id JOIN medico d ON d.id = o.medico_id
  WHERE o.claim = :claim AND o.state = 'pending')"""

# Each kind that is asked for, each chip, and the first rule that drops it: its place in `selecao.Regra`, from 1.
_JULGADO: Final = """espera AS (
  SELECT CAST(t.pede AS int) AS pede, t.tipo, t.minimo, t.reserva, string_to_array(t.estados, ',') AS estados,
    t.tipo IN ('followup', 'prospeccao') AS proativo, p.lugar
  FROM unnest(CAST(:tipos AS text[]), CAST(:minimos AS int[]), CAST(:reservas AS int[]), CAST(:estados AS text[]))
    WITH ORDINALITY AS t(tipo, minimo, reserva, estados, pede)
  JOIN (SELECT tipo, max(lugar) AS lugar FROM pedida GROUP BY tipo) p ON p.tipo = t.tipo),
julgado AS (
  SELECT t.pede, t.minimo, f.*, j.permitido, CASE
    WHEN f.tipo <> 'julia' THEN 1
    WHEN f.status <> ALL(t.estados) THEN 2
    WHEN NOT j.permitido THEN 3
    WHEN f.trust < t.reserva THEN 4
    WHEN NOT f.conectado THEN 5
    WHEN t.proativo AND f.reply_only_until > now() THEN 6
    WHEN f.cooldown_ate > now() THEN 7
    WHEN f.aberto_ate > now() OR f.no_ar THEN 8
    WHEN f.uso_dia >= f.limite_dia THEN 9
    WHEN f.uso_hora >= f.limite_hora THEN 10
    WHEN t.proativo AND f.folga_conta <= 0 THEN 11
    WHEN t.proativo AND f.intervalo_s > 0 AND f.ultimo_em + make_interval(secs => f.intervalo_s) > now() THEN 12
    ELSE 0 END AS regra
  FROM espera t CROSS JOIN fato f CROSS JOIN LATERAL (SELECT CASE t.tipo WHEN 'prospeccao' THEN f.pode_prospectar
    WHEN 'followup' THEN f.pode_followup ELSE f.pode_responder END AS permitido) j),
fila AS MATERIALIZED (
  SELECT j.*, row_number() OVER (PARTITION BY j.pede ORDER BY j.regra <> 0, j.regra DESC, j.trust < j.minimo,
    j.uso_hora, j.trust DESC, j.id) - 1 AS vez
  FROM julgado j)"""

# What the pool has for each kind. The first of a batch takes the first of the order; the others begin further on, or
# all would want the same one, and go round among those that reach the minimum, or else among all. No message looks
# further down the order than `alcance`, Meta's numbers aside, which its own rules drop. `livre_em`: when the first chip
# that only time holds back is free.
_GRUPO: Final = """grupo AS MATERIALIZED (
  SELECT t.pede, t.tipo, t.minimo, t.reserva, t.proativo, coalesce(f.chips, 0) AS chips,
    coalesce(f.elegiveis, 0) AS elegiveis, coalesce(f.no_minimo, 0) AS no_minimo, f.livre_em,
    greatest(1, CASE WHEN f.no_minimo > 0 THEN f.no_minimo ELSE f.elegiveis END) AS rotacao,
    t.lugar + f.metas AS alcance
  FROM espera t LEFT JOIN (
    SELECT pede, count(*) AS chips, count(*) FILTER (WHERE regra = 0) AS elegiveis,
      count(*) FILTER (WHERE regra = 0 AND trust >= minimo) AS no_minimo,
      count(*) FILTER (WHERE regra = 0 AND gateway = 'meta') AS metas,
      min(CASE WHEN regra BETWEEN 6 AND 12 AND regra <> 11 THEN greatest(reply_only_until, cooldown_ate, aberto_ate,
        hora_livre_em, dia_livre_em, ultimo_em + make_interval(secs => intervalo_s)) END) AS livre_em
    FROM fila GROUP BY pede) f ON f.pede = t.pede),
lista AS MATERIALIZED (
  SELECT f.pede, f.id, f.conta, f.gateway, f.trust, f.minimo, f.folga_conta, f.intervalo_s, f.uso_hora, f.vez,
    f.aberto_ate IS NOT NULL AS sonda, CASE WHEN f.aberto_ate IS NULL
      THEN least(f.limite_hora - f.uso_hora, f.limite_dia - f.uso_dia) ELSE 1 END AS folga
  FROM fila f JOIN grupo g ON g.pede = f.pede
  WHERE f.regra = 0 AND (f.gateway = 'meta' OR f.vez <= g.alcance
    OR f.id IN (SELECT afim_conversa FROM pedida UNION SELECT afim_medico FROM pedida)))"""

# Meta lets anything be said for 24 hours after the doctor wrote to that number, a little less here; then only approved
# templates. Who is known by a Meta user id alone is reached through Meta alone, who by a LID through the others.
_META: Final = """meta AS MATERIALIZED (
  SELECT p.id, f.id AS chip_id, EXISTS (SELECT FROM interacao x WHERE x.medico_id = p.medico_id
      AND x.direcao = 'entrada' AND x.chip_id = f.id AND x.em > now() - interval '1435 minutes') AS janela,
    (SELECT m.corpo FROM modelo_meta m WHERE m.conta = f.conta AND m.nome = p.modelo ->> 'nome'
      AND m.idioma = p.modelo ->> 'idioma' AND m.status = 'APPROVED'
      AND m.parametros = jsonb_array_length(p.modelo -> 'parametros')) AS corpo
  FROM pedida p JOIN grupo g ON g.tipo = p.tipo JOIN lista f ON f.pede = g.pede AND f.gateway = 'meta'
  WHERE p.so_meta IS NOT FALSE)"""

_ESCOLHA: Final = """escolha AS (
  SELECT p.*, k.*, g.pede, g.minimo, g.reserva, g.proativo, g.rotacao, g.livre_em
  FROM pedida p JOIN grupo g ON g.tipo = p.tipo
  LEFT JOIN LATERAL (
    SELECT f.id AS chip_id, f.conta, f.folga_conta, f.intervalo_s, f.sonda, f.folga,
      CASE WHEN NOT m.janela THEN modelo_texto(m.corpo, p.modelo -> 'parametros') END AS texto
    FROM lista f LEFT JOIN meta m ON m.id = p.id AND m.chip_id = f.id
    WHERE f.pede = g.pede AND (p.so_meta IS NULL OR p.so_meta = (f.gateway = 'meta'))
      AND (f.gateway <> 'meta' OR m.janela OR m.corpo IS NOT NULL)
    ORDER BY f.trust < g.minimo, (f.id = p.afim_conversa) IS NOT TRUE, (f.id = p.afim_medico) IS NOT TRUE,
      CASE WHEN p.lugar > 0 AND f.vez < g.rotacao
        THEN mod(f.vez - mod(p.lugar, g.rotacao) + g.rotacao, g.rotacao) END,
      CASE WHEN p.lugar > 0 THEN f.vez END, f.uso_hora, f.trust DESC, f.id
    LIMIT 1) k ON true)"""

# Whether there is room for it once those before it in the batch have theirs; a proactive send also keeps its distance.
_DESTINO: Final = """destino AS (
  SELECT o.*, o.chip_id IS NOT NULL AND o.no_chip <= o.folga AND (NOT o.proativo
    OR ((o.intervalo_s = 0 OR o.no_chip = 1) AND (o.folga_conta IS NULL OR o.na_conta <= o.folga_conta))) AS vai
  FROM (SELECT e.*, row_number() OVER (PARTITION BY e.chip_id ORDER BY e.prioridade DESC, e.id) AS no_chip,
    row_number() OVER (PARTITION BY e.conta, e.proativo ORDER BY e.prioridade DESC, e.id) AS na_conta
    FROM escolha e) o)"""

# A template's words take the place of the message's own, which stand beside it for a later attempt that may say them.
# What found no chip is asked about again soon, a cold message when one may be free.
_FEITA: Final = """feita AS (
  UPDATE outbox o SET
    body = coalesce(e.dito, o.body), body_hash = coalesce(sha256(convert_to(e.dito, 'UTF8')), o.body_hash),
    modelo = CASE WHEN NOT e.vai OR e.texto IS NULL OR o.modelo ? 'texto' THEN o.modelo
      ELSE o.modelo || jsonb_build_object('texto', o.body) END,
    state = CASE WHEN e.vai THEN 'sending' ELSE 'pending' END, claim = NULL,
    chip_id = CASE WHEN e.vai THEN e.chip_id ELSE o.chip_id END,
    fence = o.fence + e.vai::int, attempts = o.attempts + e.vai::int,
    motivo = CASE WHEN NOT e.vai THEN 'sem_chip' END,
    enviando_em = CASE WHEN e.vai THEN now() ELSE o.enviando_em END,
    lease_until = CASE WHEN e.vai THEN now() + make_interval(secs => :lease_s) END,
    consultas = CASE WHEN e.vai THEN 0 ELSE o.consultas END,
    next_at = CASE WHEN e.vai THEN o.next_at WHEN NOT e.proativo THEN now() + make_interval(secs => :sem_chip_s)
      ELSE greatest(now() + make_interval(secs => :sem_chip_s), least(now() + make_interval(secs => :sem_chip_max_s),
        e.livre_em, CASE WHEN e.chip_id IS NOT NULL THEN now() + make_interval(secs => e.intervalo_s) END)) END
  FROM (SELECT *, CASE WHEN vai THEN coalesce(texto, modelo ->> 'texto') END AS dito FROM destino) e
  JOIN medico d ON d.id = e.medico_id LEFT JOIN chip k ON k.id = e.chip_id
  WHERE o.id = e.id
  RETURNING o.id, o.state, o.conversation_id, o.fence, o.body, o.attempts, k.gateway, k.instancia, o.criada_em, o.cause,
    {destino} AS destino, CASE WHEN e.texto IS NOT NULL THEN o.modelo - 'texto' END AS modelo)"""

# One row of the pool as `selecao.Candidato` reads it.
_CANDIDATO: Final = """jsonb_build_object('chip_id', f.id, 'tipo', f.tipo, 'status', f.status, 'gateway', f.gateway,
    'trust', f.trust, 'permitido', f.permitido, 'conectado', f.conectado, 'reply_only_until', f.reply_only_until,
    'cooldown_ate', f.cooldown_ate, 'aberto_ate', f.aberto_ate, 'no_ar', f.no_ar, 'uso_hora', f.uso_hora,
    'limite_hora', f.limite_hora, 'hora_livre_em', f.hora_livre_em, 'uso_dia', f.uso_dia, 'limite_dia', f.limite_dia,
    'dia_livre_em', f.dia_livre_em, 'folga_conta', f.folga_conta, 'ultimo_em', f.ultimo_em,
    'intervalo_s', f.intervalo_s, 'vez', f.vez, 'regra', (CAST(:regras AS text[]))[f.regra])"""

# Every choice is stored; that there is no chip, once in a while.
_SELECAO: Final = """guarda AS (
  SELECT e.* FROM destino e WHERE e.vai OR NOT EXISTS (SELECT FROM chip_decisao x WHERE x.outbox_id = e.id
    AND x.fence = e.fence AND x.chip_id IS NULL AND x.em > now() - make_interval(secs => :guarda_s))),
selecao AS (
  INSERT INTO chip_selecao (em, tipo, chips, elegiveis, no_minimo, candidatos, descartes)
  SELECT now(), g.tipo, g.chips, g.elegiveis, g.no_minimo,
    coalesce((SELECT jsonb_agg({candidato} ORDER BY f.vez) FROM fila f
      WHERE f.pede = g.pede AND (f.vez < :perto OR g.chips <= :todos)), '[]'),
    coalesce((SELECT jsonb_object_agg((CAST(:regras AS text[]))[x.regra], x.quantos) FROM (
      SELECT f.regra, count(*) AS quantos FROM fila f WHERE f.pede = g.pede AND f.regra <> 0 GROUP BY 1) x), '{{}}')
  FROM grupo g WHERE g.tipo IN (SELECT tipo FROM guarda) RETURNING id, tipo, chips)"""

_DECISAO: Final = """alem AS MATERIALIZED (
  SELECT f.* FROM fila f WHERE f.vez >= :perto AND f.id IN (SELECT chip_id FROM guarda UNION ALL
    SELECT afim_conversa FROM guarda UNION ALL SELECT afim_medico FROM guarda)),
decisao AS (
  INSERT INTO chip_decisao (outbox_id, fence, selecao_id, chip_id, pedido, extras, em)
  SELECT g.id, g.fence + g.vai::int, s.id, CASE WHEN g.vai THEN g.chip_id END,
    jsonb_build_object('minimo', g.minimo, 'reserva', g.reserva, 'afim_conversa', g.afim_conversa,
      'afim_medico', g.afim_medico, 'so_meta', g.so_meta, 'lugar', g.lugar, 'rotacao', g.rotacao,
      'cedeu', CASE WHEN NOT g.vai THEN g.chip_id END,
      'janelas', (SELECT jsonb_agg(m.chip_id) FROM meta m WHERE m.id = g.id AND m.janela),
      'modelos', (SELECT jsonb_agg(m.chip_id) FROM meta m WHERE m.id = g.id AND m.corpo IS NOT NULL)),
    CASE WHEN s.chips > :todos THEN coalesce((SELECT jsonb_agg({candidato} ORDER BY f.vez) FROM alem f
      WHERE f.pede = g.pede AND f.id IN (g.chip_id, g.afim_conversa, g.afim_medico)), '[]') ELSE '[]' END, now()
  FROM guarda g JOIN selecao s ON s.tipo = g.tipo
  ON CONFLICT (outbox_id, fence, (chip_id IS NULL)) DO UPDATE SET selecao_id = excluded.selecao_id,
    pedido = excluded.pedido, extras = excluded.extras, em = excluded.em)"""

# A breaker that is half open lets this one through.
_SONDA: Final = """sonda AS (
  INSERT INTO disjuntor_transicao (chip_id, gateway, de, para, classe, falhas, aberto_ate, em)
  SELECT d.chip_id, d.gateway, 'aberto', 'meio_aberto', d.classe, d.falhas, d.aberto_ate, now()
  FROM destino e JOIN chip k ON k.id = e.chip_id JOIN disjuntor d ON d.chip_id = k.id AND d.gateway = k.gateway
  WHERE e.vai AND e.sonda)"""

_PARTES: Final = (
    *(_PEDIDA, _USO, _CONTA, _FATO, _JULGADO, _GRUPO, _META, _ESCOLHA, _DESTINO),
    *(_FEITA.format(destino=DESTINO), _SELECAO.format(candidato=_CANDIDATO)),
    *(_DECISAO.format(candidato=_CANDIDATO), _SONDA),
)
CLAIM: Final = text("-- envio.claim\nWITH " + ",\n".join(_PARTES) + "\nSELECT * FROM feita")


def parametros() -> dict[str, Any]:
    """Return what the choice knows of the domain: minima, who may send what, the rules' names in their order."""
    return {
        "tipos": [tipo.value for tipo in TipoEnvio],
        "minimos": [TRUST_MINIMO[tipo] for tipo in TipoEnvio],
        "reservas": [TRUST_MINIMO_RESERVA[tipo] for tipo in TipoEnvio],
        "estados": [",".join(sorted(s for s, tipos in ENVIA.items() if tipo in tipos)) for tipo in TipoEnvio],
        "regras": [regra.value for regra in Regra],
        "tier_minimo": TIER_MINIMO,
        "perto": PERTO,
        "todos": TODOS,
        "guarda_s": GUARDA_S,
        "sem_chip_s": SEM_CHIP_S,
        "sem_chip_max_s": SEM_CHIP_MAX_S,
    }
