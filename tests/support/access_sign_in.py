"""Somebody signs in at a portal with a browser, and chooses a password."""

from __future__ import annotations

from playwright.sync_api import Page


def sign_in(page: Page, address: str, login: str, password: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("main button.primary")


def choose_password(page: Page, former: str, password: str) -> None:
    for name, value in (("former", former), ("password", password), ("again", password)):
        page.fill(f"input[name={name}]", value)
    page.click("main button.primary")
    page.wait_for_url("**/account")
