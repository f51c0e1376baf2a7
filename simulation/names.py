"""Invented names: Han names from short lists of common characters, and minority names with a middle dot."""

from __future__ import annotations

from random import Random

MIDDLE_DOT = "·"  # U+00B7, the form the school register uses
DOT_VARIANTS = ("•", "‧", "・", ".")

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜"
    "崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常符欧"
)
_COMPOUND_SURNAMES = ("欧阳", "上官", "司徒", "诸葛")
_SURNAME_WEIGHTS = tuple(1.0 / (8 + rank) for rank in range(len(_SURNAMES)))
_CUMULATIVE: list[float] = []
for _weight in _SURNAME_WEIGHTS:
    _CUMULATIVE.append((_CUMULATIVE[-1] if _CUMULATIVE else 0.0) + _weight)

_MALE = "伟强磊军勇杰涛明超刚辉鹏华飞波斌宇浩凯健俊帆旭宁龙林文博轩泽子梓晨睿铭皓瑞嘉一天佳志家海国建立永德成荣福昌"
_FEMALE = "芳娜敏静丽艳娟霞秀燕玲桂英萍红玉兰梅琳雪倩颖婷慧欣怡梦雨子梓涵诗琪佳思嘉语彤可若晓雅一春月美珍莲香凤菊"

# Invented minority names: given name · father's name. Groups of spellings that offices write for one and the same name.
_MINORITY_MALE = ("阿卜杜拉", "买买提", "艾力", "吐尔逊", "木拉提", "哈桑", "依布拉音", "扎西", "多吉", "库尔班")
_MINORITY_FEMALE = ("阿依古丽", "古丽娜尔", "帕提古丽", "热依汗", "阿米娜", "卓玛", "茹仙古丽", "米热")
_MINORITY_FATHERS = ("买买提", "吐尔逊", "艾力", "依明", "玉素甫", "卡德尔", "热合曼", "赛买提", "才让", "阿布都拉")
TRANSLITERATIONS = {
    "阿卜杜拉": "阿不都拉",
    "阿布都拉": "阿卜杜拉",
    "买买提": "麦麦提",
    "吐尔逊": "图尔逊",
    "依布拉音": "伊卜拉伊木",
    "艾力": "艾里",
    "木拉提": "穆拉提",
    "热依汗": "热伊汗",
    "阿依古丽": "阿衣古丽",
    "玉素甫": "玉苏甫",
    "依明": "伊敏",
    "米热": "米日",
}
HOMOPHONES = {
    "伟": "玮",
    "强": "蔷",
    "杰": "捷",
    "明": "铭",
    "辉": "晖",
    "华": "桦",
    "俊": "峻",
    "志": "智",
    "梓": "子",
    "子": "梓",
    "佳": "嘉",
    "嘉": "佳",
    "轩": "萱",
    "晨": "辰",
    "睿": "瑞",
    "瑞": "睿",
    "芳": "方",
    "静": "婧",
    "丽": "莉",
    "霞": "侠",
    "玲": "铃",
    "英": "瑛",
    "婷": "亭",
    "慧": "惠",
    "欣": "新",
    "怡": "宜",
    "涵": "晗",
    "琪": "琦",
    "语": "雨",
    "雨": "羽",
    "晓": "小",
    "雅": "亚",
    "海": "诲",
    "建": "健",
    "健": "建",
    "成": "诚",
    "荣": "容",
    "博": "搏",
    "浩": "皓",
    "皓": "浩",
}


def surname(rng: Random) -> str:
    """A Han surname; the common ones are common, one in 250 is a compound."""
    if rng.random() < 0.004:
        return rng.choice(_COMPOUND_SURNAMES)
    return rng.choices(_SURNAMES, cum_weights=_CUMULATIVE)[0]


def given_name(rng: Random, sex: str, generation: str = "") -> str:
    """One or two characters; `generation` is the first character that siblings share, or empty."""
    characters = _MALE if sex == "male" else _FEMALE
    if generation:
        return generation + rng.choice(characters)
    return "".join(rng.choices(characters, k=1 if rng.random() < 0.22 else 2))


def generation_character(rng: Random, sex: str) -> str:
    """The character that brothers, sisters and above all twins often share."""
    return rng.choice(_MALE if sex == "male" else _FEMALE)


def minority_name(rng: Random, sex: str, father: str) -> str:
    """Given name · father's name, with the middle dot of the register."""
    return rng.choice(_MINORITY_MALE if sex == "male" else _MINORITY_FEMALE) + MIDDLE_DOT + father


def minority_father(rng: Random) -> str:
    """The part after the dot, which brothers and sisters share."""
    return rng.choice(_MINORITY_FATHERS)
