"""Single Tibetan names: one word, no surname, borne by half a class. Two children of one name are told apart by nothing
but their numbers, or by 大 and 小 before the name. A name of two words (扎西顿珠) is like any other.

The words are those that Tibetan families commonly name children by: the days of the week, the blessings, the names of
the teachings, in the spellings of the registers of Tibet and the provinces around it. Words that are as well a Han
surname with a given name (白珍, 周毛) are left out. A dictionary, not a table of confusions: which spelling stands for
which sound is transliteration's business.
"""

from __future__ import annotations

from services.matching.characters import simplified

_COMMON = """
尼玛 尼麦 达瓦 达娃 米玛 拉巴 普布 巴桑 边巴 次仁 才仁 次任 泽仁 才让 次旦 才旦 泽旦 次珍 泽珍 次央 次多 次成 次松
次捷 次平 朗嘎 扎西 札西 德吉 德庆 德钦 德措 德央 央金 央宗 央珍 央吉 央措 卓玛 卓马 卓嘎 志玛 拉姆 拉毛 拉措 拉珍
拉宗 拉吉 曲珍 曲措 曲宗 曲吉 曲扎 曲培 曲批 曲央 旺姆 旺堆 旺杰 旺扎 旺青 旺秀 旺庆 白玛 班玛 白姆 梅朵 美朵 格桑
噶玛 嘎玛 尕玛 嘎松 洛桑 罗桑 罗布 罗追 洛追 洛珠 多吉 多杰 平措 彭措 顿珠 顿朱 丹增 旦增 丹珍 旦真 旦正 丹巴 旦巴
丹达 索朗 索南 四郎 索郎 仁增 仁青 仁钦 仁真 仁孜 仁珍 益西 益希 意西 加央 江央 降央 嘉央 绛央 阿旺 昂旺 晋美 晋梅
久美 吉美 土登 图登 赤列 赤来 称列 坚赞 坚参 尖参 加措 嘉措 江措 伦珠 龙珠 群培 群宗 群措 确吉 曲杰 贡布 公保 贡保
贡觉 贡嘎 公嘎 桑珠 桑杰 桑吉 桑姆 桑丹 桑旦 桑布 桑培 强巴 向巴 强久 强珠 班丹 班觉 巴登 巴丹 巴珠 云旦 云登 扎巴
扎桑 扎堆 占堆 占推 朗杰 南杰 南加 朗加 朗卡 郎卡 其美 其梅 琼达 琼珍 穷达 仓决 仓姆 措姆 措珍 吉宗 吉措 吉拉 普赤
布赤 玉珍 玉措 巴宗 达珍 尼珍 达杰 塔杰 塔青 洛松 勒松 更登 根登 格来 格列 格勒 念扎 热旦 热布 拥忠 拥宗 雍宗 雍珍
拥珍 翁姆 娘吉 华旦 班旦 完么 才吉 卓么 万玛 项秀 项杰 关却 官却 尕藏 尕让 英措 仁措 三知 东知 东主 冬知 当增 当周
道吉 拉加
"""
WORDS = frozenset(_COMMON.split())
ELDER_OR_YOUNGER = frozenset("大小")  # before the name, where a class has two of it


def single(name: str) -> bool:
    """Whether a comparable name is one Tibetan word."""
    plain = "".join(map(simplified, name))
    return plain in WORDS or (plain[:1] in ELDER_OR_YOUNGER and plain[1:] in WORDS)
