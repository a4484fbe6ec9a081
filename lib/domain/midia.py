"""What becomes of audio, images, videos and documents: acknowledged and asked for in words, or given to a person."""

from collections.abc import Iterable
from dataclasses import dataclass

from lib.domain.diretriz import MIDIA_PESSOA
from lib.domain.mensagem import DE_ARQUIVO, Midia


@dataclass(frozen=True, slots=True)
class TratamentoMidia:
    """How files without words are treated; `texto` is for the doctor, `nota` tells the model what it has not seen."""

    para_pessoa: bool
    texto: str
    nota: str


_UM = {
    Midia.AUDIO: "seu áudio",
    Midia.IMAGEM: "sua imagem",
    Midia.VIDEO: "seu vídeo",
    Midia.DOCUMENTO: "seu documento",
}
_VARIOS = {
    Midia.AUDIO: "seus áudios",
    Midia.IMAGEM: "suas imagens",
    Midia.VIDEO: "seus vídeos",
    Midia.DOCUMENTO: "seus documentos",
}
_ABRIR = {
    Midia.AUDIO: "ouvir áudios",
    Midia.IMAGEM: "ver imagens",
    Midia.VIDEO: "assistir a vídeos",
    Midia.DOCUMENTO: "abrir documentos",
}
_NOME = {
    Midia.AUDIO: ("áudio", "áudios"),
    Midia.IMAGEM: ("imagem", "imagens"),
    Midia.VIDEO: ("vídeo", "vídeos"),
    Midia.DOCUMENTO: ("documento", "documentos"),
}


def tratar_midia(midias: Iterable[str], diretriz: str | None) -> TratamentoMidia | None:
    """Treat the files of a burst that came without words; None when there are none.

    `diretriz` is the content of the directive of kind `midia` in force: `pessoa` routes them to a person, anything
    else asks for words. Nothing said pretends that a file was seen or heard.
    """
    vistas = [Midia(midia) for midia in midias if midia in DE_ARQUIVO]
    tipos = [tipo for tipo in Midia if tipo in vistas]
    if not tipos:
        return None
    recebi = _lista([_UM[tipo] if vistas.count(tipo) == 1 else _VARIOS[tipo] for tipo in tipos], "e")
    nota = nota_midia(vistas, com_legenda=False)
    if diretriz == MIDIA_PESSOA:
        texto = f"Recebi {recebi}. Uma pessoa da nossa equipe vai olhar e responder por aqui."
        return TratamentoMidia(para_pessoa=True, texto=texto, nota=nota)
    abrir = _lista([_ABRIR[tipo] for tipo in tipos], "nem")
    texto = f"Recebi {recebi}. Ainda não consigo {abrir} por aqui: pode me escrever em uma frase?"
    return TratamentoMidia(para_pessoa=False, texto=texto, nota=nota)


def nota_midia(midias: Iterable[str], *, com_legenda: bool) -> str:
    """Say to the model which files came along, with a caption or without words, and that it knows nothing of them."""
    vistas = [Midia(midia) for midia in midias if midia in DE_ARQUIVO]
    quantas = [(tipo, vistas.count(tipo)) for tipo in Midia if tipo in vistas]
    ditas = _lista([f"{n} {_NOME[tipo][n > 1]}" for tipo, n in quantas], "e")
    como = "com a legenda que está no texto" if com_legenda else "sem texto"
    return (
        f"O médico também enviou {ditas}, {como}. Você não viu nem ouviu o conteúdo: diga que recebeu, não finja "
        "conhecê-lo e peça por escrito o que precisar saber."
    )


def nomes_midia(midias: Iterable[str]) -> str:
    """Name the files as people call them, in order: "áudio, imagem"."""
    return ", ".join(_NOME[Midia(midia)][0] for midia in midias if midia in DE_ARQUIVO)


def _lista(itens: list[str], conjuncao: str) -> str:
    return itens[0] if len(itens) == 1 else f"{', '.join(itens[:-1])} {conjuncao} {itens[-1]}"
