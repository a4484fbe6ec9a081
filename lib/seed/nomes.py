"""Names of people and places, all invented or so common that they name nobody."""

from __future__ import annotations

FEMININOS = (
    *("Ana", "Beatriz", "Camila", "Daniela", "Eduarda", "Fernanda", "Gabriela", "Helena", "Isabela", "Jaqueline"),
    *("Karina", "Larissa", "Mariana", "Natália", "Olívia", "Patrícia", "Raquel", "Sabrina", "Tatiane", "Vanessa"),
    *("Yasmin", "Luíza", "Renata", "Cecília", "Aline", "Débora", "Priscila", "Simone", "Tereza", "Verônica"),
)
MASCULINOS = (
    *("André", "Bruno", "Caio", "Diego", "Eduardo", "Felipe", "Gustavo", "Henrique", "Igor", "João"),
    *("Leandro", "Marcelo", "Nelson", "Otávio", "Paulo", "Rafael", "Sérgio", "Thiago", "Vinícius", "William"),
    *("Antônio", "César", "Fábio", "Márcio", "Rodrigo", "Murilo", "Samuel", "Davi", "Álvaro", "Cláudio"),
)
SOBRENOMES = (
    *("Almeida", "Araújo", "Barbosa", "Batista", "Borges", "Campos", "Cardoso", "Carvalho", "Castro", "Cavalcante"),
    *("Correia", "Costa", "Dias", "Duarte", "Farias", "Fernandes", "Ferreira", "Freitas", "Gomes", "Gonçalves"),
    *("Lima", "Lopes", "Machado", "Magalhães", "Martins", "Medeiros", "Melo", "Mendes", "Monteiro", "Moraes"),
    *("Moreira", "Moura", "Nascimento", "Nogueira", "Nunes", "Oliveira", "Pacheco", "Pereira", "Pinto", "Queiroz"),
    *("Ramos", "Rezende", "Ribeiro", "Rocha", "Sampaio", "Santana", "Siqueira", "Tavares", "Teixeira", "Vasconcelos"),
)
# City and state where a doctor lives; repeated ones weigh more. All 27 states occur.
CIDADES = (
    *(("São Paulo", "SP"), ("São Paulo", "SP"), ("São Paulo", "SP"), ("Campinas", "SP"), ("Santos", "SP")),
    *(("Ribeirão Preto", "SP"), ("Sorocaba", "SP"), ("Rio de Janeiro", "RJ"), ("Rio de Janeiro", "RJ")),
    *(("Niterói", "RJ"), ("Belo Horizonte", "MG"), ("Uberlândia", "MG"), ("Juiz de Fora", "MG"), ("Vitória", "ES")),
    *(("Curitiba", "PR"), ("Londrina", "PR"), ("Florianópolis", "SC"), ("Joinville", "SC"), ("Porto Alegre", "RS")),
    *(("Caxias do Sul", "RS"), ("Brasília", "DF"), ("Goiânia", "GO"), ("Cuiabá", "MT"), ("Campo Grande", "MS")),
    *(("Salvador", "BA"), ("Feira de Santana", "BA"), ("Aracaju", "SE"), ("Maceió", "AL"), ("Recife", "PE")),
    *(("João Pessoa", "PB"), ("Natal", "RN"), ("Fortaleza", "CE"), ("Teresina", "PI"), ("São Luís", "MA")),
    *(("Belém", "PA"), ("Macapá", "AP"), ("Manaus", "AM"), ("Manaus", "AM"), ("Boa Vista", "RR")),
    *(("Porto Velho", "RO"), ("Rio Branco", "AC"), ("Cruzeiro do Sul", "AC"), ("Palmas", "TO")),
)
ESPECIALIDADES = (
    *("Clínica Médica", "Pediatria", "Cardiologia", "Anestesiologia", "Ortopedia", "Cirurgia Geral"),
    *("Ginecologia e Obstetrícia", "Medicina Intensiva", "Medicina de Emergência", "Neurologia", "Psiquiatria"),
    "Radiologia",
)
# Name, city, state, address.
HOSPITAIS = (
    ("Hospital Vale do Ipê", "São Paulo", "SP", "Rua das Quaresmeiras, 410"),
    ("Hospital Serra Dourada", "São Paulo", "SP", "Avenida dos Jacarandás, 1820"),
    ("Pronto-Socorro Parque das Águas", "São Paulo", "SP", "Rua do Manancial, 77"),
    ("Maternidade Flor de Laranjeira", "Campinas", "SP", "Rua dos Pomares, 305"),
    ("Hospital Campo Alegre", "Campinas", "SP", "Avenida do Café, 990"),
    ("Hospital Porto Sereno", "Santos", "SP", "Avenida da Maré, 1200"),
    ("Hospital Terra Roxa", "Ribeirão Preto", "SP", "Rua dos Canaviais, 64"),
    ("Hospital Baía Azul", "Rio de Janeiro", "RJ", "Rua da Enseada, 215"),
    ("Hospital Pedra do Sol", "Rio de Janeiro", "RJ", "Avenida do Mirante, 3300"),
    ("UPA Morro Verde", "Niterói", "RJ", "Rua da Ladeira, 18"),
    ("Hospital Alto da Colina", "Belo Horizonte", "MG", "Rua das Gerais Antigas, 702"),
    ("Hospital Lagoa Mansa", "Uberlândia", "MG", "Avenida dos Buritis, 1450"),
    ("Hospital Ilha das Garças", "Vitória", "ES", "Rua do Manguezal, 93"),
    ("Hospital Pinhal Grande", "Curitiba", "PR", "Rua das Araucárias, 1111"),
    ("Hospital Campos do Norte", "Londrina", "PR", "Avenida da Colheita, 540"),
    ("Hospital Ponta da Lagoa", "Florianópolis", "SC", "Rua das Dunas, 28"),
    ("Hospital Pampa Novo", "Porto Alegre", "RS", "Rua do Minuano, 860"),
    ("Hospital Planalto Central", "Brasília", "DF", "Quadra 900, Lote 12"),
    ("Hospital Flor do Cerrado", "Goiânia", "GO", "Avenida dos Pequizeiros, 275"),
    ("Hospital Chapada Clara", "Cuiabá", "MT", "Rua do Ribeirão, 619"),
    ("Hospital Rio das Araras", "Campo Grande", "MS", "Avenida do Pantanal, 2040"),
    ("Hospital Ladeira do Mar", "Salvador", "BA", "Ladeira do Farol, 45"),
    ("Hospital Recife de Coral", "Recife", "PE", "Rua dos Arrecifes, 333"),
    ("Hospital Jangada", "Fortaleza", "CE", "Avenida das Velas, 1700"),
    ("Hospital Dunas Brancas", "Natal", "RN", "Rua do Vento Leste, 156"),
    ("Hospital Mangueiral", "Belém", "PA", "Travessa das Mangueiras, 88"),
    ("Hospital Encontro dos Rios", "Manaus", "AM", "Avenida das Seringueiras, 2500"),
    ("Pronto-Socorro Igarapé", "Manaus", "AM", "Rua da Vazante, 39"),
    ("Hospital Estrela do Acre", "Rio Branco", "AC", "Rua dos Castanhais, 701"),
    ("Hospital Portal do Norte", "Palmas", "TO", "Avenida do Lajeado, 480"),
)
SETORES = ("Pronto-socorro", "UTI adulto", "Enfermaria", "UTI neonatal", "Centro cirúrgico", "Ambulatório", None)
DIAS = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")
