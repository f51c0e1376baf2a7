"""Story: an auditor walks back in time on the page, sees what changed and by which record, opens the file of a child
for a purpose, takes the proof of a record home and checks it there; and on a log of its own, an altered row is an alarm
on every page until all is compared green again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from deploy.views import VIEWS
from services.audit import app
from services.audit.alarms.rounds import note_round
from services.audit.archive import raise_alarms
from services.audit.domain import STORE_DIFFERS, Alarm
from services.audit.replays.bundle_checking import check_bundle
from shared.database.database import driver
from shared.hosting.settings import PUBLIC_KEYS_FILE
from shared.kernel.clock import SHANGHAI
from shared.transparency.notes import read_vkeys
from tests.journeys.pages.test_pages import DESK, PHONE
from tests.journeys.test_known_at import asked, now
from tests.journeys.test_proved import cosigned, verify
from tests.support.district import District
from tests.support.service_portal import ServicePortal, service_portal

FOLDED_MS = 60_000  # a person's file folds every view, on a machine that does much else


class Walked(NamedTuple):
    """A child who came onto the roster between two moments."""

    district: District
    student: str
    name: str
    before: datetime
    after: datetime


@pytest.fixture(scope="module")
def walked(district: District) -> Iterator[Walked]:
    child = district.newcomer()
    student = district.office.student_id(child)
    before = now(district)
    row = district.people.row("disability", "exact", child)
    district.office.list_rows([row], district.today)
    after = now(district)
    asked(district, "/replay/roster", {"known_at": after.isoformat()})
    yield Walked(district, student, child.name, before, after)
    district.office.remove(row, district.today)


@pytest.fixture
def page(browser: Browser, walked: Walked) -> Iterator[Page]:
    yield from signed_in(browser, f"http://127.0.0.1:{walked.district.system.port}")


def signed_in(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport=DESK, locale="zh-CN", base_url=url)  # type: ignore[arg-type]
    opened = context.new_page()
    opened.set_default_timeout(FOLDED_MS)
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto("/demo-issuer/?next=/audit")
    opened.locator("form:has(input[name=kind][value=auditor]) button").click()
    opened.wait_for_url("**/audit")
    yield opened
    context.close()
    assert complaints == []


def local(moment: datetime) -> str:
    """As the browser's field takes it."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}"


def test_the_slider_goes_back_by_keyboard_and_shows_what_was_known(page: Page, walked: Walked) -> None:
    page.goto("/audit?view=roster")
    mine = page.locator(f'#rows tr[data-id="{walked.student}"]')
    expect(mine).to_be_visible()
    slider = page.get_by_role("slider")
    steps = int(slider.get_attribute("max") or 0)
    assert steps > 1 and slider.input_value() == str(steps)
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**known_at=2*")
    expect(page.locator(".slider input[type=range]")).to_have_value("1")
    expect(mine).to_have_count(0)
    page.get_by_role("link", name="下一次变化").click()
    expect(page.locator(".slider input[type=range]")).to_have_value("2")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_what_changed_is_told_with_its_record_and_taken_home_as_evidence(
    page: Page, walked: Walked, tmp_path: Path
) -> None:
    query = f"known_at={local(walked.after)}&from_known_at={local(walked.before)}"
    page.goto(f"/audit?view=roster&{query}")
    change = page.locator("#difference tbody tr")
    expect(change).to_have_count(1)
    expect(change).to_contain_text("新增")
    expect(change.get_by_role("link", name="确认为同一人")).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("button", name="导出这次对比的证据包").click()
    file = tmp_path / "difference.bundle.zip"
    saved.value.save_as(file)
    keys = read_vkeys((walked.district.system.home / PUBLIC_KEYS_FILE).read_text("utf-8"))
    checked = check_bundle(file.read_bytes(), keys)
    assert checked.answer.rows == 1 and checked.answer.earlier_logs


def test_what_cannot_be_known_yet_is_said_with_the_nearest_that_can(page: Page, walked: Walked) -> None:
    page.goto("/audit?view=payments&known_at=2099-01-01T00:00:00")
    expect(page.get_by_role("alert")).to_contain_text("各系统的记录目前只收齐到")
    page.get_by_role("link", name="改为可选的最近时刻").click()
    expect(page.get_by_role("heading", name="资助发放")).to_be_visible()
    page.goto(f"/audit?view=payments&known_at={local(walked.after)}&true_on=2099-01-01")
    expect(page.get_by_role("alert")).to_contain_text("那一天当时还没有到来")


def test_a_childs_file_opens_up_to_the_reasons_and_in_full_for_a_purpose(page: Page, walked: Walked) -> None:
    page.goto(f"/audit?view=roster&known_at={local(walked.after)}")
    page.locator(f'#rows tr[data-id="{walked.student}"]').get_by_role("link", name="档案").click()
    assert walked.name not in page.content()
    link = page.locator("li.decides", has_text="确认为同一人")
    link.get_by_text("为什么").click()
    expect(link.locator(".tree.root")).to_contain_text("匹配模型生效", timeout=FOLDED_MS)
    expect(link.locator(".tree.root")).to_contain_text("名单新增一行")
    page.locator("input[name=purpose]").fill("核对困难认定")
    page.get_by_role("button", name="查看完整档案").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(walked.name, timeout=FOLDED_MS)
    walked.district.system.settle()
    reads = walked.district.system.callers.auditor().read("audit", f"/reads/of/{walked.student}")["items"]
    assert [(read["kind"], read["purpose"]) for read in reads if read["kind"] == "file"] == [("file", "核对困难认定")]


def test_a_record_found_by_its_id_is_proved_on_another_machine(
    page: Page, walked: Walked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walked.district.system.eventually(lambda: all(cosigned(walked.district).values()), "every log is cosigned")
    page.goto(f"/audit/proofs?record={walked.student}")
    page.get_by_role("link", name="入学登记").click()
    expect(page.locator("#proof ~ .notice")).to_contain_text("得到的正是检查点所签的根")
    expect(page.locator("#logs tbody tr")).to_have_count(len(app.ARCHIVED_SERVICES))
    expect(page.locator("#logs tbody tr").first).to_contain_text("/witness")
    files = {}
    for button in ("下载证明", "下载记录原文(加密)"):
        with page.expect_download() as saved:
            page.locator(".tools-row").get_by_role("link", name=button).click()
        files[button] = str(tmp_path / saved.value.suggested_filename)
        saved.value.save_as(files[button])
    keys = tmp_path / "keys.txt"
    keys.write_text((walked.district.system.home / PUBLIC_KEYS_FILE).read_text("utf-8"), "utf-8")
    for name in [each for each in os.environ if each.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)  # on another machine there is nothing but the files
    proof, event = files.values()
    assert Path(proof).name in page.locator("#commands").inner_text()
    told = json.loads(verify("inclusion", proof, "--event", event, "--keys", str(keys), "--json"))
    assert told["event_checked"] and told["origin"].endswith("/registry")


@pytest.fixture(scope="module")
def scratch(postgres: Any) -> Iterator[ServicePortal]:
    """A log of its own: what is altered in it stays altered."""
    beside = ("registry", "matching", "notifications")
    with service_portal(postgres, "audit", lambda settings: app.build(settings, VIEWS), beside=beside) as made:
        yield made


def compared(scratch: ServicePortal, store: int | None) -> None:
    """What a round of each comparison leaves behind; ``store``: the first wrong index there."""
    with scratch.service.database.working() as connection:
        raw = driver(connection)
        if store is not None:
            raise_alarms(raw, [Alarm("registry", STORE_DIFFERS, store, "the event was changed, its leaf was not")])
        note_round(raw, "registry", "store", 40, store)
        note_round(raw, "registry", "topic", 40, None)


def test_an_altered_row_is_an_alarm_on_every_page_until_all_is_green_again(
    browser: Browser, scratch: ServicePortal
) -> None:
    compared(scratch, 11)
    for page in signed_in(browser, scratch.url):
        page.goto("/audit/questions")
        expect(page.locator(".standing")).to_contain_text("有 1 处记录与签名不符,尚无人知悉。")
        page.get_by_role("link", name="查看警报").click()
        row = page.locator("#alarms tbody tr")
        expect(row).to_contain_text("业务库里的记录与签名不符")
        expect(row.locator("td.number")).to_have_text("11")
        row.get_by_text("我已知悉").first.click()
        row.locator("textarea").fill("已请机房保全业务库磁盘")
        row.get_by_role("button", name="我已知悉").click()
        expect(page.locator(".notice")).to_have_text("已记录,警报仍然有效")
        scratch.installation.pump()
        page.goto("/audit/alarms")
        expect(row).to_contain_text("已请机房保全业务库磁盘")
        expect(row.locator(".alarm-acknowledged")).to_have_text("已知悉,未恢复")
        expect(page.locator(".standing")).to_be_visible()
        compared(scratch, None)
        page.reload()
        expect(row.locator(".alarm-over")).to_have_text("已恢复一致")
        page.get_by_text("最近 30 天").click()
        expect(page.locator("#days tbody tr").first).to_contain_text("11")
