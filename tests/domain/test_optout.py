import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA, Parada, classificar_parada

EXPLICITAS = (
    "parar",
    "PARAR",
    "Parar!",
    "Pare",
    "sair",
    "SAIR",
    "Sair.",
    "sair por favor",
    "Oi, quero dizer: pare de me mandar mensagem",
    "stop",
    "STOP!!!",
    "Stop 🛑",
    "unsubscribe",
    "descadastrar",
    "Descadastre-me",
    "me descadastra por favor",
    "quero me descadastrar",
    "pare de me mandar mensagem",
    "Para de me mandar mensagem!",
    "para de mandar msg",
    "pode parar de me mandar mensagens, por favor",
    "parem de me enviar mensagens",
    "pare de me ligar",
    "para de me incomodar",
    "não me mande mais mensagem",
    "Não me mande mais mensagens.",
    "nao me manda mais msg",
    "não me envie mais nada",
    "não mandem mais mensagens",
    "não me chame mais",
    "não me procure mais",
    "não me ligue mais",
    "não entre mais em contato",
    "não entrem em contato comigo",
    "não quero receber mais mensagens",
    "Não quero mais receber mensagens de vocês",
    "não quero receber suas mensagens",
    "não quero mais ser contatado",
    "me tira da lista",
    "Me tira dessa lista por favor",
    "me remova da sua lista",
    "me exclua do cadastro",
    "tira meu número da lista",
    "apague meu contato",
    "exclua meus dados",
    "remove o meu número",
    "cancela meu cadastro",
    "quero sair da lista",
    "quero sair dessa lista",
    "cancelar mensagens",
    "me deixa em paz",
    "bom dia, parar",
    "obrigado, parar",
    "não perturbe",
    "para de encher",
    "quero cancelar meu cadastro",
    "para de mandar isso",
    "parem de ficar me mandando mensagem",
)
INCERTAS = (
    "não quero mais",
    "Não quero mais nada",
    "chega",
    "Chega!",
    "já chega",
    "para",
    "basta",
    "desisto",
    "quero parar",
    "quero sair",
    "pode parar",
    "não tenho mais interesse",
    "vou te bloquear",
    "Não, obrigado. Pode parar.",
    "não me mande",
    "cancelar inscrição",
    "me tira desse grupo",
    "não mande mais mensagem hoje",
    "sem mensagens por favor",
    "não me mande mais vaga de pediatria",
    "para de me mandar vaga de UTI",
    "não me mande mensagem de madrugada",
    "não quero mais receber vagas",
)
NENHUMAS = (
    "",
    "   ",
    "🙂",
    "não tenho interesse nessa vaga",
    "Não tenho interesse",
    "não me interessa essa",
    "cancelar",
    "preciso cancelar o plantão",
    "quero cancelar o plantão de sexta",
    "pode parar o carro no hospital?",
    "onde posso parar o carro?",
    "chega às 7h",
    "o colega chega que horas?",
    "ia sair agora",
    "vou sair do plantão às 19h",
    "posso sair às 7h?",
    "Que horas dá pra sair?",
    "para quinta tem vaga?",
    "Para mim está ótimo",
    "é para quando?",
    "não quero esse plantão",
    "não quero",
    "não",
    "não posso parar agora, te respondo depois",
    "não quero sair da lista",
    "não me tira da lista não",
    "não precisa parar de me mandar mensagem",
    "me coloca na lista de espera",
    "me tira da lista de espera desse plantão",
    "pode me mandar mensagem mais tarde",
    "manda mensagem amanhã",
    "não me mandou a mensagem com o endereço",
    "não recebi mensagem",
    "o que acontece se eu responder sair?",
    "remover o dreno faz parte?",
    "para de chover aí?",
    "a linha para na estação do hospital",
    "parei de dar plantão em SP",
    "Sai mais vaga essa semana?",
    "nada a reclamar",
    "não chame o táxi ainda",
    "Pare na portaria 2?",
    "não me mandou mais nada",
    "vocês não me ligaram mais",
    "não mando mais mensagem, ok",
    "tirei meu telefone do silencioso",
    "posso cancelar meu cadastro no hospital e refazer?",
    "eu não quero parar",
    "quero sair da escala de sábado",
    "paro de trabalhar às 20h",
    "chega de plantão noturno",
    "não quero mais esse plantão",
)


@pytest.mark.parametrize("frase", EXPLICITAS)
def test_an_exact_stop_opts_out(frase: str) -> None:
    assert classificar_parada(frase) is Parada.EXPLICITA


@pytest.mark.parametrize("frase", INCERTAS)
def test_an_unclear_or_limited_stop_is_asked_back(frase: str) -> None:
    assert classificar_parada(frase) is Parada.INCERTA


@pytest.mark.parametrize("frase", NENHUMAS)
def test_what_is_no_stop_changes_nothing(frase: str) -> None:
    assert classificar_parada(frase) is Parada.NENHUMA


@pytest.mark.parametrize("frase", EXPLICITAS)
def test_case_accents_and_blanks_do_not_matter(frase: str) -> None:
    sem_acento = frase.translate(str.maketrans("áàãâéêíóõôúç", "aaaaeeiooouc"))
    for escrita in (frase.upper(), sem_acento, f"  {frase}\n", frase.replace(" ", "  ")):
        assert classificar_parada(escrita) is Parada.EXPLICITA


@given(st.text(max_size=200))
def test_any_text_is_classified_without_error(texto: str) -> None:
    assert classificar_parada(texto) in Parada


def test_the_table_is_large_enough_to_mean_something() -> None:
    assert len(EXPLICITAS) + len(INCERTAS) + len(NENHUMAS) >= 60


def test_our_own_texts_name_the_word_that_stops() -> None:
    assert "SAIR" in PERGUNTA_PARADA
    assert "não vai mais receber" in CONFIRMACAO_OPTOUT
