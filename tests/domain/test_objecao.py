import unicodedata
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.objecao import Severidade, TipoObjecao, detectar
from lib.domain.texto import dobrar, nfc

PESADAS: dict[Severidade, tuple[str, ...]] = {
    Severidade.GRAVE: (
        "vou processar vocês",
        "Vou no procon",
        "isso vai parar na justiça",
        "a gente se vê na justiça",
        "vou entrar na justiça",
        "vou entrar com um processo",
        "vou acionar meu advogado",
        "vou falar com meu advogado",
        "meu advogado vai entrar em contato",
        "vou fazer um boletim de ocorrência",
        "vou chamar a polícia",
        "vou denunciar vocês na anpd",
        "isso fere a LGPD",
        "seu idiota",
        "seus desgraçados",
        "vai tomar no cu",
        "bando de lixo",
        "vtnc",
        "isso é golpe",
        "isso é fraude e vou divulgar",
        "bando de golpistas",
        "quero falar com uma pessoa",
        "me passa para um atendente",
        "preciso conversar com alguém da equipe",
        "posso falar com o responsável?",
        "chama o gerente",
        "tem como falar com um humano?",
    ),
    Severidade.HIGH: (
        "não confio em vocês",
        "isso é golpe?",
        "isso não é golpe, né?",
        "tenho medo de golpe",
        "isso é spam?",
        "onde conseguiram meu número",
        "falta material nesse hospital",
        "hospital com estrutura precária",
        "me deram calote",
        "demoram muito pra pagar",
        "que falta de respeito",
        "isso é um absurdo",
        "Absurdo!",
        "fui enganado por vocês",
        "isso é mentira",
        "estou irritado com tanta mensagem",
        "cansei de vocês",
        "cansei de esperar",
        "paga pouco, isso é ridículo",
        "valor ridículo",
    ),
    Severidade.MEDIUM: (
        "paga mal",
        "achei pouco",
        "é muito pouco pra 12h",
        "o valor está abaixo da tabela",
        "dá pra melhorar o valor?",
        "nao compensa",
        "NÃO COMPENSA",
        "a hora está muito baixa",
        "muita burocracia",
        "cadastro complicado",
        "tenho exclusividade com outro grupo",
        "já tenho escala fixa",
        "ja trabalho em outra cooperativa",
        "não faço mais plantão",
        "estou com burnout",
        "sem tempo agora",
        "agenda lotada, não tenho tempo nenhum",
        "ta muito corrido",
    ),
    Severidade.LOW: (
        "agenda cheia esse mês",
        "estou de férias",
        "não consigo na sexta",
        "vou viajar",
        "muita mensagem",
        "prefiro email",
    ),
}
COMUNS = (
    "isso é robô?",
    "você é um robô?",
    "é IA?",
    "estou falando com um bot?",
    "chega às 7h",
    "o plantão chega às 7h?",
    "ia sair agora",
    "eu ia sair agora, me liga depois",
    "como é o processo seletivo?",
    "o processo seletivo já começou?",
    "qual o processo de credenciamento?",
    "trabalho na Justiça Federal",
    "sou perito na justiça do trabalho",
    "sou médico da polícia militar",
    "dou plantão na delegacia do idoso",
    "minha advogada vai olhar o contrato",
    "meu advogado precisa analisar o contrato antes",
    "que desgraça de trânsito hoje",
    "deixa eu falar com uma pessoa aqui e te respondo",
    "preciso falar com o coordenador do meu hospital antes",
    "preciso falar com meu chefe primeiro",
    "quero falar com o pessoal aqui de casa",
    "quero conversar com alguém aqui antes",
    "caiu no spam",
    "foi golpe de sorte",
    "o paciente teve um golpe de calor",
    "não desconfio de nada",
    "o hospital não é ruim",
    "o plantão não é pesado?",
    "o valor não é baixo",
    "dormi muito pouco hoje",
    "falta muito pouco pra acabar o plantão",
    "que hora ruim, estou em cirurgia",
    "o pagamento demora um pouco pra cair?",
    "é pouco provável que eu vá",
    "tem escala fixa?",
    "vocês exigem exclusividade?",
    "trânsito absurdo hoje",
    "que vergonha, esqueci de responder",
    "que vergonha a minha",
    "se não estou enganado é na sexta",
    "o paciente estava irritado",
    "não é mentira",
    "posso falar agora?",
    "quero falar sobre a vaga",
    "preciso de uma pessoa pra dividir o plantão",
    "quantas pessoas na equipe?",
    "pode falar com a gente da escala",
    "o boletim de ocorrência fica com quem no PS?",
    "quero processar meu cadastro",
    "vou processar os dados",
    "o hospital é longe",
    "o plantão é de 24h",
    "me passa o contato do hospital",
    "tem gente na escala?",
    "estou sem carro",
    "acho um pouco longe",
    "já voltei das férias",
    "sim, tenho interesse",
    "obrigado",
    "👍",
    "me aposento ano que vem",
    "quem é o responsável pelo plantão?",
    "o gerente do hospital já me conhece",
)


@pytest.mark.parametrize(
    ("frase", "tipo", "severidade"),
    [
        ("o valor está muito baixo", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("Vocês pagam mal", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("não vale a pena por isso", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("esse valor é um absurdo de baixo", TipoObjecao.PRECO, Severidade.HIGH),
        ("não tenho tempo agora", TipoObjecao.TEMPO, Severidade.MEDIUM),
        ("tá corrido aqui", TipoObjecao.TEMPO, Severidade.MEDIUM),
        ("Não confio nessa empresa", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("como conseguiu meu número?", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("isso é golpe?", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("Isso é golpe, vou avisar todo mundo", TipoObjecao.CONFIANCA, Severidade.GRAVE),
        ("muita burocracia", TipoObjecao.PROCESSO, Severidade.MEDIUM),
        ("o cadastro é muito demorado", TipoObjecao.PROCESSO, Severidade.MEDIUM),
        ("não posso nesse dia", TipoObjecao.DISPONIBILIDADE, Severidade.LOW),
        ("já tenho plantão na sexta", TipoObjecao.DISPONIBILIDADE, Severidade.LOW),
        ("hospital sem estrutura", TipoObjecao.QUALIDADE, Severidade.HIGH),
        ("esse hospital é péssimo", TipoObjecao.QUALIDADE, Severidade.HIGH),
        ("já trabalho com outra empresa", TipoObjecao.LEALDADE, Severidade.MEDIUM),
        ("me deram calote da última vez", TipoObjecao.RISCO, Severidade.HIGH),
        ("o pagamento sempre atrasa", TipoObjecao.RISCO, Severidade.HIGH),
        ("não faço mais plantão", TipoObjecao.MOTIVACAO, Severidade.MEDIUM),
        ("prefiro email", TipoObjecao.COMUNICACAO, Severidade.LOW),
        ("que falta de respeito", TipoObjecao.COMUNICACAO, Severidade.HIGH),
        ("vou processar", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou te denunciar", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("resolvo isso na justiça", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou processar vocês", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou no Procon", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("Vou abrir um processo", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("isso viola a LGPD", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("seu idiota", TipoObjecao.AGRESSAO, Severidade.GRAVE),
        ("quero falar com uma pessoa", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("tem como falar com um atendente?", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("Falar com humano", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("me passa para o gerente", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("você é robô? quero falar com humano", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
    ],
)
def test_an_objection_has_its_type_and_severity(frase: str, tipo: TipoObjecao, severidade: Severidade) -> None:
    objecao = detectar(frase)
    assert objecao is not None
    assert (objecao.tipo, objecao.severidade) == (tipo, severidade)


@pytest.mark.parametrize(
    "frase",
    [
        "como funciona o processo seletivo?",
        "Qual o processo para me cadastrar?",
        "vou processar a informação e te aviso",
        "a Justiça Federal pagou",
        "quero conversar com a gente da UTI",
        "é robô?",
        "você é uma pessoa de verdade?",
        "estou falando com um humano?",
        "tenho interesse, qual o valor?",
        "o hospital da polícia militar tem vaga?",
        "minha esposa é advogada",
        "vou falar com alguém aqui em casa e te digo",
        "trabalho no Hospital Risoleta",
        "pode confirmar a idade do paciente?",
        "atendo paciente violento na emergência",
        "ótimo, combinado",
        "",
    ],
)
def test_ordinary_talk_is_no_objection(frase: str) -> None:
    assert detectar(frase) is None


@pytest.mark.parametrize("frase", ["não confio em vocês", "péssimas condições", "desgraça", "ação judicial"])
def test_accents_and_case_do_not_matter(frase: str) -> None:
    com = detectar(frase)
    assert com is not None
    for escrita in (dobrar(frase), frase.upper(), unicodedata.normalize("NFD", frase)):
        sem = detectar(escrita)
        assert sem is not None
        assert (sem.tipo, sem.severidade) == (com.tipo, com.severidade)


@given(st.text(max_size=120), st.sampled_from(["vou no PROCON", "seu idiota", "agenda lotada"]))
def test_the_quoted_words_are_the_doctors_own(antes: str, frase: str) -> None:
    texto = f"{antes} {frase}"
    objecao = detectar(texto)
    assert objecao is not None
    assert objecao.trecho
    assert objecao.trecho in nfc(texto)
    assert 0 < objecao.confianca <= 1


@given(st.text(max_size=200))
def test_folding_keeps_every_position(texto: str) -> None:
    assert len(dobrar(texto)) == len(nfc(texto))
    detectar(texto)


@pytest.mark.parametrize(
    ("severidade", "frase"), [(severidade, frase) for severidade, frases in PESADAS.items() for frase in frases]
)
def test_a_labelled_objection_has_its_weight_with_or_without_accents(severidade: Severidade, frase: str) -> None:
    for escrita in (frase, dobrar(frase), frase.upper()):
        objecao = detectar(escrita)
        assert objecao is not None
        assert objecao.severidade is severidade


@pytest.mark.parametrize("frase", COMUNS)
def test_a_labelled_everyday_sentence_is_no_objection(frase: str) -> None:
    for escrita in (frase, dobrar(frase), frase.upper()):
        assert detectar(escrita) is None


def test_the_weightier_of_two_objections_is_kept() -> None:
    objecao = detectar("agenda lotada e vocês pagam mal, vou no procon")
    assert objecao is not None
    assert (objecao.tipo, objecao.severidade) == (TipoObjecao.AMEACA, Severidade.GRAVE)
    objecao = detectar("agenda lotada, não tenho tempo")
    assert objecao is not None
    assert (objecao.tipo, objecao.severidade) == (TipoObjecao.TEMPO, Severidade.MEDIUM)


@pytest.mark.parametrize("pedaco", ["valor ", "vou ", "quero falar com ", "meu advogado ", "golpe ", "a"])
def test_a_text_as_long_as_any_is_read_in_a_moment(pedaco: str) -> None:
    texto = (pedaco * 20_000)[:20_000] + " contrato?"
    comeco = perf_counter()
    detectar(texto)
    assert perf_counter() - comeco < 2
