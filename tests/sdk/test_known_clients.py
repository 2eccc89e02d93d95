"""What is found out of a client is remembered while it lives, whatever asks for it: calls, batches, sessions."""

import gc

from support.library import anthropic

from otel_claude.sdk import client as module
from otel_claude.sdk.client import client_info, known_of


def test_a_client_is_found_out_once(monkeypatch):
    found = []
    find_out = module._find_out
    monkeypatch.setattr(module, "_find_out", lambda *of: found.append(of) or find_out(*of))
    client = anthropic.Anthropic(api_key="sk-ant-api03-simulated")
    assert known_of(client) is None
    infos = [client_info(client, key, "hint", known_of(client)) for key in ("one", "one", "two", "two")]
    assert [key for _, key, _ in found] == ["one", "two"]
    assert infos[0] is infos[1]
    assert infos[2] is infos[3] is known_of(client).info
    number = id(client)
    client.close()
    del client
    found.clear()
    gc.collect()
    assert number not in module._known


def test_another_client_with_the_same_id_is_not_known(monkeypatch):
    first, second = (anthropic.Anthropic(api_key="sk-ant-api03-simulated") for _ in range(2))
    client_info(first, "one", "hint", None)
    monkeypatch.setitem(module._known, id(second), module._known[id(first)])
    assert known_of(second) is None
    for client in (first, second):
        client.close()
