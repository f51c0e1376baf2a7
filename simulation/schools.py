"""Townships and schools of the invented county, in districts that are generated one after another."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

COUNTY_NAME = "望潮县"
DIVISION = "469080"  # never issued by GB/T 2260: no real person's number starts with it
WITHDRAWN_DIVISION = "469060"  # of an invented county that went into ours; its people's numbers keep it
OTHER_DIVISIONS = ("469081", "460080", "440980", "450980", "430980")
OTHER_SCHOOLS = ("临江市第三小学", "临江市实验中学", "南屏县中心小学", "东岸区育才学校", "外省务工地学校")

STUDENTS_PER_DISTRICT = 25_000  # bounds memory: one district is held at a time
SCHOOLS_PER_TOWNSHIP = 6
STAGES = ("小学", "初中", "高中", "中职")

_FIRST = "木石竹青白龙凤金银清长平安福永兴新南北东西大小上下云星月海江"
_SECOND = "棉桥溪山水岭湖田坡塘沙湾岸林泉坪港屯岗浦源坝坑"
_DIGITS = "零一二三四五六七八九"
_VILLAGE_KINDS = ("村", "村", "村", "居委会")


@dataclass(frozen=True, slots=True)
class Township:
    """`code` has nine digits, `villages` are (twelve-digit code, name)."""

    code: str
    name: str
    seat: bool
    villages: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class School:
    """One school. `stages` are one or two of STAGES; `code` has ten digits."""

    code: str
    name: str
    former_name: str
    township: Township
    stages: tuple[str, ...]
    size: int = 0


@dataclass(frozen=True, slots=True)
class District:
    """A group of townships whose children attend the schools of the district."""

    index: int
    students: int
    townships: tuple[Township, ...]
    schools: tuple[School, ...]
    by_place: dict[tuple[str, str], tuple[School, ...]] = field(compare=False)

    def schools_for(self, township: Township, stage: str) -> tuple[School, ...]:
        """Schools of the stage in the township, else of the whole district; empty when there is none."""
        return self.by_place.get((township.code, stage)) or self.by_place.get(("", stage), ())


def plan_districts(rng: Random, students: int, schools: int) -> tuple[District, ...]:
    """Split students and schools evenly. Shapes: at least three schools in every district."""
    count = max(1, min(-(-students // STUDENTS_PER_DISTRICT), schools // 3))
    names = _place_names(rng, max(1, schools // SCHOOLS_PER_TOWNSHIP) + count)
    districts = []
    township_number = 0
    for index in range(count):
        share = schools * (index + 1) // count - schools * index // count
        towns = []
        for place in range(max(1, share // SCHOOLS_PER_TOWNSHIP)):
            towns.append(_township(rng, township_number, names[township_number], seat=place == 0))
            township_number += 1
        first = schools * index // count + 1
        built = _schools(rng, tuple(towns), share, first)
        part = students * (index + 1) // count - students * index // count
        districts.append(District(index, part, tuple(towns), built, _by_place(built)))
    return tuple(districts)


def _place_names(rng: Random, count: int) -> list[str]:
    names = [a + b for a in _FIRST for b in _SECOND if a != b]
    rng.shuffle(names)
    return [*names, *("新" + name for name in names)][:count]


def _township(rng: Random, number: int, name: str, seat: bool) -> Township:
    # Nine digits leave room for 900 townships: more would need a second county.
    code = f"{DIVISION}{100 + number:03}"
    places = rng.sample([a + b for a in _FIRST for b in _SECOND], 12)
    villages = tuple((f"{code}{200 + i:03}", place + rng.choice(_VILLAGE_KINDS)) for i, place in enumerate(places))
    return Township(code, name + "镇", seat, villages)


def _schools(rng: Random, towns: tuple[Township, ...], count: int, first: int) -> tuple[School, ...]:
    senior = max(1, count // 20)
    vocational = 1 if count >= 20 else 0
    junior = max(1, round(count * 0.2))
    nine_year = 2 if count >= 12 else 0
    kinds: list[tuple[str, ...]] = [*([("高中",)] * senior), *([("中职",)] * vocational)]
    kinds += [("小学", "初中")] * nine_year + [("初中",)] * max(1, junior - nine_year)
    kinds += [("小学",)] * (count - len(kinds))
    built: list[School] = []
    taken: dict[str, int] = {}
    for offset, stages in enumerate(kinds[:count]):
        town = towns[0] if stages[0] in ("高中", "中职") else towns[offset % len(towns)]
        name = _school_name(town, stages, taken, built)
        former = f"{COUNTY_NAME}{rng.choice(town.villages)[1]}学校" if rng.random() < 0.15 else ""
        built.append(School(f"31{DIVISION[:4]}{first + offset:04}", name, former, town, stages))
    return tuple(built)


def _school_name(town: Township, stages: tuple[str, ...], taken: dict[str, int], built: list[School]) -> str:
    place = town.name.removesuffix("镇") if town.seat else town.name
    if stages == ("小学",):
        key = f"{town.code}小学"
        number = taken[key] = taken.get(key, 0) + 1
        if number == 1 and not town.seat:
            return f"{COUNTY_NAME}{town.name}中心小学"
        if number <= len(town.villages) and not town.seat:
            return f"{COUNTY_NAME}{town.name}{town.villages[number - 1][1]}小学"
        return f"{COUNTY_NAME}{place}第{_numeral(number)}小学"
    word = {"高中": "高级中学", "中职": "职业技术学校", "初中": "初级中学"}.get(stages[-1], "中学")
    if len(stages) == 2:
        word = "九年一贯制学校"
    number = taken[town.code + word] = taken.get(town.code + word, 0) + 1
    return f"{COUNTY_NAME}{place}{word}" if number == 1 else f"{COUNTY_NAME}{place}第{_numeral(number)}{word}"


def _numeral(number: int) -> str:
    """一 to 九十九, as schools are numbered; digits beyond."""
    if number > 99:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十"
    return head + (_DIGITS[ones] if ones else "")


def _by_place(schools: tuple[School, ...]) -> dict[tuple[str, str], tuple[School, ...]]:
    found: dict[tuple[str, str], list[School]] = {}
    for school in schools:
        for stage in school.stages:
            found.setdefault((school.township.code, stage), []).append(school)
            found.setdefault(("", stage), []).append(school)
    return {key: tuple(value) for key, value in found.items()}
