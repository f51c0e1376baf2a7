"""Two people on the pages of erasure before real audit: who asked cannot approve, a hold is told, reads are listed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.views import VIEWS
from services.audit import app as audit_app
from services.registry.events import PersonalDataRead, StudentLeft
from shared.kernel.clock import today
from tests.journeys.pages.test_model_page import second
from tests.journeys.pages.test_pages import DESK
from tests.services.happenings import enrolled
from tests.support.service_portal import ServicePortal, service_portal

CHILD = UUID(int=9)
TOWN = "469001101"


@pytest.fixture(scope="module")
def running(postgres: Any) -> Iterator[ServicePortal]:
    beside = ("registry", "matching", "notifications")
    with service_portal(postgres, "audit", lambda settings: audit_app.build(settings, VIEWS), beside=beside) as made:
        say, began = made.installation.append, today() - timedelta(days=20 * 365)
        say("registry", CHILD, enrolled(CHILD, "S1", division_code=TOWN), began)
        left = StudentLeft(school_code="S1", division_code=TOWN, reason="graduated")
        say("registry", CHILD, left, began + timedelta(days=365))
        read = PersonalDataRead(
            viewer="ls",
            student_id=CHILD,
            purpose="核对资助发放",
            fields=("phone",),
            division_code=TOWN,
            school_code="S1",
        )
        say("registry", uuid.uuid4(), read, today())
        made.installation.pump()
        yield made


@pytest.fixture
def page(browser: Browser, running: ServicePortal) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=running.url)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.goto("/demo-issuer/?next=/reads")
    opened.locator("form:has(input[name=kind][value=aid_clerk]) button").click()
    opened.wait_for_url("**/reads")
    yield opened
    context.close()


def test_who_is_due_is_asked_about_by_one_and_approved_by_another(page: Page, running: ServicePortal) -> None:
    expect(page.locator("table.rows tbody tr")).to_contain_text("核对资助发放")
    page.goto("/erasures/due")
    row = page.locator(f'tr[data-id="{CHILD}"]')
    row.get_by_text("申请删除").first.click()
    row.locator('form[action$="/request"] input[name=reason]').fill("保存期限届满")
    row.locator('form[action$="/request"] button').click()
    running.installation.pump()
    page.goto("/erasures")
    expect(row).to_contain_text("待审批")
    expect(row).to_contain_text("申请人与审批人不能是同一人")  # shown before anything is pressed
    expect(row.get_by_role("button", name="批准删除")).to_have_count(0)
    second(page, "/erasures")
    row.get_by_role("button", name="批准删除").click()
    expect(page.locator(".notice")).to_have_text("已记录")
    running.installation.pump()
    page.goto("/erasures")
    expect(row).to_contain_text("已批准")
