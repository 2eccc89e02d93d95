"""Packed programs run in processes of their own, against a simulator."""

import pytest

pytest.register_assert_rewrite("packaged_run")
