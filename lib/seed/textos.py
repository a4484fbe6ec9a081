"""What the two sides say. Doctors' sentences have no fields, so that a rule's verdict on each is known once.

Fields of Júlia's: {nome}, {hospital}, {esp}, {dia}, {valor}.
"""

from __future__ import annotations

from lib.domain.identidade import APRESENTACAO

ABERTURA = (
    "Oi, {nome}! " + APRESENTACAO + " Abriu um plantão de {esp} no {hospital}, {dia}. Posso te mandar os detalhes?",
    "Olá, {nome}, tudo bem? " + APRESENTACAO + " Tenho uma vaga de {esp} no {hospital} para {dia}. Faz sentido?",
    "{nome}, boa tarde! " + APRESENTACAO + " O {hospital} procura {esp} para {dia}. Quer saber mais?",
    "Oi, {nome}! " + APRESENTACAO + " Você costuma fazer plantão de {esp}? Surgiu um {dia} no {hospital}.",
    "Olá, {nome}! " + APRESENTACAO + " Estou montando a escala de {esp} do {hospital}. Te interessa {dia}?",
)
REABERTURA = (
    "Oi, {nome}! É a Júlia, assistente automatizada dos plantões. Apareceu {dia} no {hospital}, {esp}. Quer ver?",
    "{nome}, é a Júlia, assistente automatizada dos plantões. Lembrei de você: {esp} no {hospital}, {dia}.",
    "Olá, {nome}! Júlia aqui, a assistente automatizada. Tem vaga de {esp} {dia} no {hospital}. Conto mais?",
)
CHAMADA = (
    "Oi, vi que vocês têm plantões. Tem algo para essa semana?",
    "Bom dia! Uma colega me passou esse contato, vocês têm vaga?",
    "Olá, gostaria de saber dos plantões disponíveis",
    "oi, tem plantão noturno?",
)
INTERESSE = (
    "Oi, pode mandar sim",
    "Opa, me interessa. Qual o horário?",
    "Boa tarde! Tenho interesse, me conta mais",
    "Pode ser. Quanto está pagando?",
    "Oi Júlia, quero saber mais",
    "sim, manda os detalhes por favor",
    "Talvez, depende do horário",
    "Tenho a data livre. Como funciona?",
)
DETALHES = (
    "O {hospital} precisa de {esp} {dia}, das 7h às 19h. O valor é {valor}.",
    "É no {hospital}, {dia}, 12 horas em {esp}. Está em {valor}.",
    "Perfeito! {esp}, {dia}, das 19h às 7h, no {hospital}. Valor de {valor}.",
    "Fica assim: {hospital}, {dia}, plantão de 12 horas, {valor}. O que acha?",
    "São 12 horas no {hospital}, {dia}. Pagam {valor}.",
)
PERGUNTA = (
    "Como é o pagamento, quantos dias depois?",
    "Tem estacionamento?",
    "Qual o endereço?",
    "Quantos médicos ficam na escala?",
    "Tem sala de descanso?",
    "O sistema de prontuário é eletrônico?",
    "E a alimentação, está inclusa?",
    "Precisa de algum documento?",
    "Dá para fazer só metade do plantão?",
    "É porta aberta ou referenciado?",
)
RESPOSTA = (
    "Vou confirmar com a equipe do {hospital} e já te digo.",
    "Sim, tem. E se precisar de mais alguma coisa eu vejo com o {hospital}.",
    "O combinado é direto com o {hospital}; a equipe te passa por escrito antes do plantão.",
    "Pelo que está no cadastro do {hospital}, sim. Quer que eu peça para alguém da equipe confirmar?",
    "A escala tem mais colegas junto com você, o número certo a equipe confirma.",
    "Boa pergunta. No cadastro não diz, então prefiro confirmar antes de te responder.",
)
ACEITE = (
    "Fechado, pode reservar para mim",
    "Quero sim, o que precisa?",
    "Pode contar comigo",
    "Topo! Me manda a confirmação",
    "Combinado",
)
CONFIRMACAO = (
    "Ótimo, {nome}! Vou pedir a reserva e a equipe confirma por aqui.",
    "Combinado! Pedi a reserva no {hospital}. Assim que confirmarem eu te aviso.",
    "Perfeito, {nome}. Deixo pedido para {dia} e a equipe te manda a confirmação.",
)
RECUSA = (
    "Nesse dia não consigo, obrigada",
    "Agora não dá, estou com a agenda cheia",
    "O valor está baixo para mim",
    "Muito longe de casa, vou passar essa",
    "não tenho interesse nessa vaga",
    "Essa semana está corrida, quem sabe na próxima",
)
COMPREENSAO = (
    "Sem problema, {nome}! Se surgir outra com a sua cara, te conto.",
    "Entendi, {nome}. Obrigada por responder.",
    "Tranquilo! Fico de olho em outras de {esp} para você.",
    "Claro, {nome}. Se mudar de ideia, é só me chamar.",
)
OBRIGADO = ("Obrigado!", "Valeu", "Ok, obrigada", "Beleza, aguardo", "👍")
DESPEDIDA = ("Por nada, {nome}! Bom trabalho.", "Disponha! Até mais.", "Eu que agradeço, {nome}.")
MAIS_TARDE = ("Estou de férias, me chama depois", "Agora não, pode falar comigo no mês que vem?")
COMBINADO = ("Combinado, {nome}: volto a falar com você depois disso.", "Anotado! Te procuro mais para a frente.")
PEDE_PESSOA = ("Quero falar com uma pessoa", "Prefiro falar com alguém da equipe, por favor")
TRANSFERENCIA = ("Claro, {nome}. Já chamei alguém da equipe, que continua por aqui.",)
PESSOA = ("Oi, {nome}, aqui é a Carla, da escala. Como posso ajudar?", "{nome}, aqui é o Rui, da equipe. Pode falar!")
GRAVE = ("Que palhaço, vou processar vocês", "Já falei com meu advogado sobre essas ligações")
PEDIDO_DESCULPA = ("Sinto muito, {nome}. Passei para a equipe e não vou insistir.",)
SAIR = ("SAIR", "Parar", "Não me mande mais mensagens", "sair por favor")
INCERTA = ("Chega", "já deu")
