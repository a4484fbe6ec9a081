"""The parts of the one read of a turn: each a lateral sub-select over the conversation `c` and its doctor `d`.

Each yields one row. `lib.queries.mailbox` joins them into one statement, right after the claim.
"""

from __future__ import annotations

from typing import Final

from lib.queries.quem import DESTINO

# What nobody has answered yet, in the order in which it was written, and the words in it for the knowledge search:
# 500 characters of a message, because a single longer word than 2046 bytes is no lexeme but an error.
ABERTAS: Final = """
  SELECT jsonb_agg(jsonb_build_object('id', i.id, 'midia', i.midia, 'texto', i.texto, 'chip_id', i.chip_id,
      'revisao', i.revisao, 'conteudo', i.conteudo, 'em', coalesce(i.enviada_em, i.received_at),
      'received_at', i.received_at, 'citada', (SELECT left(q.texto, 500) FROM interacao q
        WHERE q.provider_msg_id = i.citada_msg_id AND q.conversation_id = c.id AND q.apagada_em IS NULL LIMIT 1))
      ORDER BY coalesce(i.enviada_em, i.received_at), i.id) AS linhas,
    string_agg(left(i.texto, 500), ' ' ORDER BY i.id) AS palavras,
    (array_agg(i.chip_id ORDER BY i.id DESC))[1] AS chip_id
  FROM inbox i WHERE i.conversation_id = c.id AND i.turn_id IS NULL AND i.tipo = 'mensagem' AND i.desfecho IS NULL
"""

PASSADO: Final = """
  SELECT jsonb_agg(jsonb_build_object('autor', h.autor, 'midia', h.midia, 'em', h.em,
    'texto', CASE WHEN h.apagada_em IS NULL THEN h.texto ELSE '' END, 'apagada', h.apagada_em IS NOT NULL)
    ORDER BY h.em, h.id) AS linhas
  FROM (SELECT autor, midia, texto, em, apagada_em, id FROM interacao WHERE conversation_id = c.id
    ORDER BY em DESC, id DESC LIMIT :historico) h
"""

# Replies that are written but not sent yet: without them a second burst would be answered as if the first was not.
NA_FILA: Final = """
  SELECT jsonb_agg(o.body ORDER BY o.id) AS linhas FROM outbox o
  WHERE o.conversation_id = c.id AND o.state IN ('pending', 'sending', 'unknown') AND o.tipo = 'resposta'
"""

MEMORIAS: Final = """
  SELECT jsonb_agg(jsonb_build_object('tipo', f.tipo, 'assunto', f.assunto, 'texto', f.texto,
    'confianca', f.confianca, 'em', f.criada_em) ORDER BY f.id DESC) AS linhas
  FROM (SELECT id, tipo, assunto, texto, confianca, criada_em FROM memoria
    WHERE medico_id = d.id AND substituida_em IS NULL AND esquecida_em IS NULL
    ORDER BY id DESC LIMIT :memorias) f
"""

# Any word of the burst may call for a piece; how many do, and how weighty they are, is the rank (decision D29).
CONHECIMENTOS: Final = """
  SELECT jsonb_agg(jsonb_build_object('id', p.id, 'tipo', p.tipo, 'subtipo', p.subtipo, 'titulo', p.titulo,
    'texto', p.texto, 'relevancia', p.relevancia) ORDER BY p.relevancia DESC, p.id) AS linhas
  FROM (SELECT k.id, k.tipo, k.subtipo, k.titulo, k.texto, ts_rank(k.busca, consulta.q) AS relevancia
    FROM (SELECT replace(CAST(plainto_tsquery('portuguese', left(abertas.palavras, 4000)) AS text), ' & ', ' | ')
      AS escrita OFFSET 0) ditas
    CROSS JOIN LATERAL (SELECT CAST(ditas.escrita AS tsquery) AS q) consulta
    JOIN conhecimento k ON k.busca @@ consulta.q
    ORDER BY relevancia DESC, k.id LIMIT :candidatas) p
"""

# The newest hand-off of the last day that a person gave back, with what that person left in writing.
DEVOLVIDA: Final = """
  SELECT jsonb_build_object('por', t.resolvida_por, 'notas', t.notas, 'em', t.resolvida_em) AS linha
  FROM transferencia t
  WHERE t.conversation_id = c.id AND t.status = 'resolvida' AND t.resolvida_em > now() - interval '24 hours'
  ORDER BY t.resolvida_em DESC, t.id DESC LIMIT 1
"""

# Shifts that the tools of the last five turns showed, as they stand now; what is taken or past is not offered again.
MOSTRADAS: Final = """
  SELECT jsonb_agg(jsonb_build_object('id', v.id, 'hospital_id', h.id, 'hospital', h.nome, 'cidade', h.cidade,
    'uf', h.uf, 'especialidade', e.nome, 'inicio', v.inicio, 'fim', v.fim, 'valor_tipo', v.valor_tipo,
    'valor_centavos', v.valor_centavos, 'valor_min_centavos', v.valor_min_centavos,
    'valor_max_centavos', v.valor_max_centavos) ORDER BY v.inicio, v.id) AS linhas
  FROM (SELECT DISTINCT CAST(jsonb_path_query(t.ferramentas, '$[*].vagas[*] ? (@.type() == "number")') AS bigint) AS id
    FROM (SELECT ferramentas FROM turno WHERE conversation_id = c.id ORDER BY fence DESC LIMIT 5) t LIMIT 20) vistas
  JOIN vaga v ON v.id = vistas.id AND v.status = 'aberta' AND v.inicio > now()
  JOIN hospital h ON h.id = v.hospital_id
  JOIN especialidade e ON e.id = v.especialidade_id
"""

# Whether Júlia has ever written to this doctor, in any conversation.
APRESENTADA: Final = "EXISTS (SELECT FROM interacao j WHERE j.medico_id = d.id AND j.autor = 'julia')"

COLUNAS: Final = f"""
  m.conversation_id, m.fence, m.tries, c.medico_id, c.status AS status_conversa, c.controle, c.estagio, c.chip_id,
  c.modo, c.modo_em, c.modo_pendente, c.modo_pendente_em, row_to_json(d) AS medico, row_to_json(s) AS estado,
  esp.nome AS especialidade, coalesce(abertas.linhas, '[]') AS mensagens, coalesce(passado.linhas, '[]') AS historico,
  coalesce(na_fila.linhas, '[]') AS na_fila, coalesce(memorias.linhas, '[]') AS memorias,
  coalesce(conhecimentos.linhas, '[]') AS conhecimentos, devolvida.linha AS transferencia_resolvida,
  coalesce(mostradas.linhas, '[]') AS vagas_mostradas, chip.gateway, chip.instancia,
  {DESTINO} AS endereco, (SELECT jsonb_object_agg(chave, valor) FROM flag) AS flags,
  (SELECT max(n.em) FROM interesse n WHERE n.conversation_id = c.id) AS interesse_em,
  (SELECT u.id FROM turno u WHERE u.conversation_id = c.id ORDER BY u.fence DESC LIMIT 1) AS ultimo_turno,
  (SELECT versao FROM diretriz_versao WHERE id = 1) AS diretrizes_versao"""  # noqa: S608 - a constant

PARTES: Final = {
    "abertas": ABERTAS,
    "passado": PASSADO,
    "na_fila": NA_FILA,
    "memorias": MEMORIAS,
    "conhecimentos": CONHECIMENTOS,
    "devolvida": DEVOLVIDA,
    "mostradas": MOSTRADAS,
}


def statement(name: str, which: str) -> str:
    """Return the whole read, under a name for logs, of the mailboxes `m` for which the condition `which` holds."""
    parts = "".join(f"LEFT JOIN LATERAL ({sql}) {alias} ON true\n" for alias, sql in PARTES.items())
    return f"""-- mailbox.{name}
SELECT {COLUNAS}, {APRESENTADA} AS apresentada
FROM mailbox m
JOIN conversa c ON c.id = m.conversation_id
JOIN medico d ON d.id = c.medico_id
JOIN doctor_state s ON s.medico_id = d.id
LEFT JOIN especialidade esp ON esp.id = d.especialidade_id
{parts}LEFT JOIN chip ON chip.id = coalesce(abertas.chip_id, c.chip_id)
WHERE {which} AND m.dead IS NULL
"""  # noqa: S608 - every part is a constant of this module or of its caller
