"""The few words a deterministic model knows about doctors and shifts (all without accents)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

SHIFT_WORDS: Final = ("vaga", "plant", "escala", "turno", "valor", "pag", "quanto", "oferta", "disponiv")
HOSPITAL_WORDS: Final = (
    "hospital",
    "endereco",
    "onde fica",
    "estacionamento",
    "refeicao",
    "estrutura",
    "upa",
    "maternidade",
    "santa casa",
)
OPTION_WORDS: Final = ("opcoes", "opcao", "alternativas")
ROBOT_WORDS: Final = ("robo", "humano", "pessoa de verdade", "ia ", "inteligencia artificial", "automatic", "bot")
SPECIALTIES: Final = (
    "cardiologia", "pediatria", "ortopedia", "ginecologia", "obstetricia", "anestesiologia", "clinica medica",
    "clinico geral", "cirurgia geral", "neurologia", "psiquiatria", "radiologia",
    "medicina intensiva", "uti", "emergencia",
    "pronto socorro", "dermatologia", "endocrinologia", "urologia", "neonatologia",
)  # fmt: skip
CITIES: Final = (
    "São Paulo", "Guarulhos", "Campinas", "Santos", "Osasco", "Santo André", "São Bernardo", "Sorocaba",
    "Ribeirão Preto", "São José dos Campos", "Rio de Janeiro", "Belo Horizonte", "Curitiba", "Porto Alegre",
    "Salvador", "Recife", "Fortaleza", "Brasília", "Goiânia", "Florianópolis",
)  # fmt: skip
WEEKDAYS: Final = ("segunda", "terca", "quarta", "quinta", "sexta", "sabado", "domingo")
PERIODS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "noturno": ("noite", "noturno"),
        "diurno": ("dia inteiro", "diurno"),
        "manha": ("manha",),
        "tarde": ("tarde",),
        "cinderela": ("cinderela",),
    }
)
NEUTRAL: Final = (
    "nenhuma",
    "nenhum",
    "sem_objecao",
    "none",
    "neutro",
    "neutra",
    "outro",
    "outra",
    "outros",
    "indefinido",
    "desconhecido",
    "manter",
)
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "preco": ("valor baixo", "pouco", "caro", "paga mal", "pagam mal", "muito baixo", "compensa"),
        "valor": ("valor", "quanto paga", "quanto e", "pouco", "compensa"),
        "tempo": ("sem tempo", "corrido", "ocupad", "agenda cheia"),
        "agenda": ("sem tempo", "agenda", "ja tenho plantao", "ocupad"),
        "distancia": ("longe", "distan", "outra cidade"),
        "localizacao": ("longe", "distan", "onde fica", "endereco"),
        "confianca": ("golpe", "confia", "seguro", "quem e voce", "atras"),
        "pagamento": ("atras", "calote", "quando recebo", "forma de pagamento"),
        "interesse": ("interess", "quero", "gostaria", "topo", "aceito", "pode ser", "me manda"),
        "aceite": ("aceito", "topo", "pode reservar", "fechado", "quero essa"),
        "reserva": ("reserva", "fechado", "fico com"),
        "recusa": ("nao quero", "nao tenho interesse", "nao posso", "dispenso"),
        "vaga": ("vaga", "plantao", "plantoes", "escala"),
        "plantao": ("vaga", "plantao", "plantoes", "escala"),
        "hospital": ("hospital", "onde fica", "estrutura"),
        "duvida": ("?", "como funciona", "queria saber", "qual"),
        "saudacao": ("oi", "ola", "bom dia", "boa tarde", "boa noite"),
        "humano": ("humano", "atendente", "falar com alguem", "pessoa"),
        "robo": ROBOT_WORDS,
        "sair": ("sair", "parar", "pare de", "nao me mande"),
        "opt": ("sair", "parar", "pare de", "nao me mande"),
        "negociar": ("melhora o valor", "aumenta", "negoci", "consegue mais"),
        "positivo": ("obrigad", "otimo", "perfeito", "legal", "show"),
        "negativo": ("absurdo", "pessimo", "chato", "ruim"),
    }
)  # fmt: skip
PEOPLE: Final = (
    "falar com alguem", "falar com uma pessoa", "falar com um humano", "falar com atendente", "quero uma pessoa",
    "me passa para alguem", "chama alguem", "chame alguem", "atendente humano", "quero falar com gente",
)  # fmt: skip
REMINDERS: Final = (
    "me lembr", "lembrete", "me chama ", "me chame ", "me procura ", "me procure ", "me avisa ", "me avise ",
    "me escreve ", "me escreva ", "fala comigo ", "fale comigo ", "me liga ", "me ligue ",
)  # fmt: skip
ACCEPTANCE: Final = (
    "quero ess", "quero est", "quero a primeira", "quero o primeiro", "quero o do ", "quero a da ", "quero o de ",
    "tenho interesse", "me interessa", "fico com", "pode ser ess", "aceito", " topo", "pode registrar", "essa vaga sim",
    "esse plantao sim", "quero fazer esse", "quero o plantao", "quero a vaga",
)  # fmt: skip
REFUSED_ACCEPTANCE: Final = ("nao tenho interesse", "nao me interessa", "nao quero", "nao aceito", "nao topo")
PREFERENCES: Final = (
    " prefiro ", " nao faco ", " so trabalho ", " so faco ", " nao trabalho ", " nao pego ", " gosto de ", " so pego ",
    " so aceito ", " anota que ", " anote que ", " meu minimo ",
)  # fmt: skip
FORGET: Final = ("esquece o que", "esqueca o que", "apaga o que", "apague o que", "esquece que eu", "apaga minhas")
SUBJECTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "valor_minimo": ("reais", "r$", "minimo", "valor"),
        "turno": ("noturno", "diurno", "noite", "de dia", "manha", "tarde", "24h", "12h", "turno", "madrugada"),
        "regiao": ("regiao", "zona", "cidade", "perto", "bairro", "interior", "capital"),
        "hospital": ("hospital", "upa", "santa casa", "pronto"),
        "especialidade": ("cardio", "pediatria", "clinica", "uti", "emergencia", "especialidade"),
        "disponibilidade": ("fim de semana", "semana", "feriado", "plantao", "plantoes"),
    }
)
