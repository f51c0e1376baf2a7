"""Nothing leaves for this machine's own network, whatever the address looks like and whatever its name answers."""

from __future__ import annotations

import pytest

from shared.outgoing.addresses import AddressRefused, Gate

PUBLIC = "93.184.216.34"


def gate(*answers: str) -> Gate:
    return Gate(resolve=lambda host, port: list(answers))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "100.64.0.1",
     "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "fec0::1", "::127.0.0.1", "not-an-address"],
)  # fmt: skip
def test_a_name_that_answers_with_an_inner_address_is_refused(address: str) -> None:
    for answers in ((address,), (PUBLIC, address)):
        with pytest.raises(AddressRefused, match="inside"):
            gate(*answers).target("https://receiver.example/hook")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://receiver.example/", "not_https"),
        ("ftp://receiver.example/", "not_https"),
        ("https://user:secret@receiver.example/", "credentials"),
        ("https://receiver.example:22/", "port"),
        ("https://receiver.example:99999/", "no_host"),
        ("https://127.0.0.1/", "inside"),
        ("https://[::1]/", "inside"),
        ("https://[::ffff:10.0.0.1]/", "inside"),
        ("https:///path", "no_host"),
        ("https://receiver.example/ x", "no_host"),
    ],
)
def test_what_is_no_plain_public_https_address_is_refused_before_anybody_is_asked(url: str, code: str) -> None:
    with pytest.raises(AddressRefused, match=code):
        Gate(resolve=lambda host, port: pytest.fail("asked")).target(url)


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    found = Gate(resolve=lambda host, port: next(answers)).target("https://receiver.example:8443/a?b=c")
    assert (found.address, found.host_header, found.path) == (PUBLIC, "receiver.example:8443", "/a?b=c")


def test_numbers_that_mean_loopback_are_resolved_before_they_are_judged() -> None:
    for host in ("2130706433", "0x7f.1", "0177.0.0.1", "localhost"):
        with pytest.raises(AddressRefused):
            Gate().target(f"https://{host}/")


def test_an_address_let_through_by_configuration_is_let_through() -> None:
    assert Gate(frozenset({"127.0.0.1"})).target("http://127.0.0.1:8080/x").port == 8080
