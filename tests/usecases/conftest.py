"""Fixtures of the use cases' tests."""

from tests.usecases.chegada import banco, outro

__all__ = ["banco", "outro"]
