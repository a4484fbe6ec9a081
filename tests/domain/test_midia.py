import pytest

from lib.domain.diretriz import MIDIA_PESSOA, MIDIA_TEXTO
from lib.domain.identidade import nega_automacao
from lib.domain.mensagem import DE_ARQUIVO, Midia
from lib.domain.midia import nota_midia, tratar_midia


@pytest.mark.parametrize("diretriz", [None, MIDIA_TEXTO])
def test_a_file_without_words_is_acknowledged_and_asked_for_in_text(diretriz: str | None) -> None:
    tratada = tratar_midia(["audio"], diretriz)
    assert tratada is not None
    assert not tratada.para_pessoa
    assert tratada.texto == (
        "Recebi seu áudio. Ainda não consigo ouvir áudios por aqui: pode me escrever em uma frase?"
    )


def test_a_directive_gives_it_to_a_person() -> None:
    tratada = tratar_midia(["imagem"], MIDIA_PESSOA)
    assert tratada is not None
    assert tratada.para_pessoa
    assert tratada.texto == "Recebi sua imagem. Uma pessoa da nossa equipe vai olhar e responder por aqui."


def test_several_files_are_named_together() -> None:
    tratada = tratar_midia(["audio", "documento", "audio", "video"], None)
    assert tratada is not None
    assert tratada.texto == (
        "Recebi seu vídeo, seus áudios e seu documento. Ainda não consigo assistir a vídeos, ouvir áudios nem abrir "
        "documentos por aqui: pode me escrever em uma frase?"
    )
    assert "1 vídeo, 2 áudios e 1 documento, sem texto" in tratada.nota


@pytest.mark.parametrize("midia", [midia for midia in Midia if midia not in DE_ARQUIVO])
def test_what_is_no_file_needs_no_treatment(midia: Midia) -> None:
    assert tratar_midia([midia], MIDIA_PESSOA) is None


def test_there_is_nothing_to_treat_without_files() -> None:
    assert tratar_midia([], MIDIA_PESSOA) is None
    assert tratar_midia(["texto"], None) is None


@pytest.mark.parametrize("midia", sorted(DE_ARQUIVO))
def test_nothing_said_pretends_that_it_was_seen_or_heard(midia: Midia) -> None:
    for diretriz in (None, MIDIA_PESSOA):
        tratada = tratar_midia([midia], diretriz)
        assert tratada is not None
        assert not nega_automacao(tratada.texto)
        said = tratada.texto.lower()
        assert not any(word in said for word in ("vi ", "ouvi ", "assisti ", "escutei", "li "))
    assert "Você não viu nem ouviu" in nota_midia([midia], com_legenda=True)
    assert "legenda" in nota_midia([midia], com_legenda=True)
