"""Which characters people mistake for which: tables of the simulation's own, written from how clerks work.

They are not the tables the matching engine uses and none of them was derived from it: what is measured here must be
found by rules, not by having seen the same list.
"""

from __future__ import annotations


def _table(text: str) -> dict[str, str]:
    """Words of a character and those written instead of it."""
    return {word[0]: word[1:] for word in text.split()}


# Heard and typed with another character of the same syllable (any tone), surnames included.
SAME_SOUND = _table(
    """
    王汪 李黎里 张章 刘留 杨扬羊 黄皇璜 赵兆 吴伍武 周洲 徐许 孙荪 朱诸 胡湖 郭国 何和贺 林临琳 罗洛 高皋 梁良 谢解
    宋送 唐糖 许徐 冯逢 邓登 曹漕 彭澎 曾增 肖萧 田甜 董懂
    潘攀 袁原元 蔡菜 蒋讲 余于俞 于余鱼 杜度 叶业 程成 魏卫 苏酥 吕旅
    丁盯 任仁 卢芦鲁 姚尧 沈审 钟仲忠 姜江 谭谈 陆路 石时 伟卫炜 强蔷 磊蕾 军君钧 勇永咏 杰洁捷 涛滔桃 明名鸣 超潮
    刚钢 辉晖挥 鹏朋 华桦骅 飞菲 波博 斌彬宾 宇羽雨 浩昊皓 凯恺 健建剑 俊峻君 帆凡 旭绪 宁凝 文雯 博波 轩宣萱 泽择 子紫
    梓子紫 晨辰臣 睿瑞锐 铭明茗 皓浩昊 瑞睿 嘉佳家 一依 天添 佳嘉家
    志智致 家佳嘉 国帼 建健 立丽利 永勇 德得 成诚承 荣容蓉 福富
    昌长 芳方 娜那 敏闵 静婧靖 丽莉俐 艳燕雁 娟鹃 霞侠 秀绣
    燕艳 玲灵铃 桂贵 英瑛莹 萍平苹 红虹宏 玉育钰 兰岚 梅媚 琳林霖
    雪学 倩茜 颖影 婷亭庭 慧惠蕙 欣心馨 怡宜仪 梦孟 雨语宇 涵含晗 诗施 琪琦淇 思斯丝 语雨宇 彤童 可珂 若偌 晓小筱 雅亚娅
    春椿 月悦 美镁 珍真贞 莲连怜 香湘 凤奉 菊局
    """
)
# Said in the dialect and typed as heard: n for l, in for ing, z for zh, h for f.
NEAR_SOUND = _table(
    """
    陈程 程陈 林凌 刘牛 吕女 黄房 胡符 曾郑 沈申 英音 琳玲 玲琳 萍频 敏名 静进 娜拉 宁林 俊钧 梓芷 志子 诗丝 思诗 泽哲
    晨岑 凤洪 辉飞 慧费 兰南 莲年 丽妮 彬冰 斌兵 欣星 婷田 燕样 珍增
    """
)
# Read from paper or chosen from the next line: alike to the eye, mostly not to the ear.
SAME_LOOK = _table(
    """
    王玉主 李季 张弦 陈阵 杨场 黄寅 赵越 吴昊吾 周同 徐除 孙孔 马鸟 朱未 胡湖 郭廓 何河 林休 罗岁 郑邓 梁粱 宋末 唐康
    许讦 韩朝 冯马 曹曾 肖尚 田由甲 袁衰 余佘 于干 杜社 叶叮 苏办 丁于 任住 卢户 姚桃 汪注 石右 金全 贾贵 白自 江汀 尹伊
    伟纬 磊嘉 勇男 杰黍 涛寿 明朋 刚则 辉晖 飞气 波坡 宇字 浩洁 健键 俊峻 帆凡 旭旮 宁宇 文又 博搏 轩杆 泽译 子了 梓锌
    晨震 铭名 瑞端 天夫 佳住 志忘 家冢 海悔 国困 建健 永水 成戍 福副 芳芬 娜挪 静净 丽雨 娟捐 秀季 玲铃 桂佳 英莫 红江
    玉王 兰三 梅海 琳彬 倩情 颖颗 婷停 欣欧 怡恰 雨两 诗诸 琪棋 思恩 语浯 可司 若苦 晓哓 春舂 月用 美羡 珍诊 莲连 香杳
    凤风 菊掬 雅稚
    """
)
# Typed with a traditional input method, or taken from an old household book.
TRADITIONAL = dict(
    zip(
        "张刘陈杨赵吴孙马郑谢许韩冯邓叶苏吕卢钟谭陆贾邹龙贺顾龚钱严伟强军杰涛刚辉鹏华飞凯"
        "宁轩泽铭国荣丽艳兰红颖梦诗语莲凤静万",
        "張劉陳楊趙吳孫馬鄭謝許韓馮鄧葉蘇呂盧鍾譚陸賈鄒龍賀顧龔錢嚴偉強軍傑濤剛輝鵬華飛凱"
        "寧軒澤銘國榮麗艷蘭紅穎夢詩語蓮鳳靜萬",
        strict=True,
    )
)
# Other shapes of one character that both input methods and old cards hold.
VARIANTS = _table("吴吳吴 强強彊 峰峯 群羣 杰傑 晋晉 青靑 黄黃 吕呂")
# What stands where a program could not show a character.
UNREADABLE = "?？□*某\ue5e5〓■"
# Marks used to hide a part of a number.
MASKS = "*×xX＊"
# Typed instead of a digit by fingers on a number pad, or read so from a copy.
DIGIT_NEIGHBOURS = _table("0168 1247 2135 3268 4157 52468 6359 7148 80579 9678")
# One name, other spellings: as offices of different years wrote the sounds of other languages.
SPELLINGS = {
    "阿卜杜拉": "阿布都拉",
    "买买提": "买合买提",
    "艾力": "艾里",
    "吐尔逊": "吐逊",
    "木拉提": "木热提",
    "哈桑": "艾山",
    "依布拉音": "伊不拉音",
    "扎西": "札西",
    "多吉": "多杰",
    "库尔班": "库尔般",
    "阿依古丽": "阿衣古丽",
    "古丽娜尔": "古丽拉尔",
    "帕提古丽": "帕特古丽",
    "热依汗": "热依罕",
    "阿米娜": "阿米那",
    "卓玛": "卓马",
    "茹仙古丽": "如先古丽",
    "米热": "米日",
    "依明": "伊明",
    "玉素甫": "玉苏甫",
    "卡德尔": "卡地尔",
    "热合曼": "热合满",
    "赛买提": "赛麦提",
    "才让": "才仁",
    "阿布都拉": "阿不都拉",
}
DOTS = ("", "•", "‧", "・", ".", "。", " ", "-")  # instead of the middle dot; the first drops it
# First day of the lunar year, month and day from 1999 on (an almanac's figures).
_LUNAR_NEW_YEARS = """
2/16 2/5 1/24 2/12 2/1 1/22 2/9 1/29 2/18 2/7 1/26 2/14 2/3 1/23 2/10 1/31 2/19 2/8 1/28 2/16 2/5
1/25 2/12 2/1 1/22 2/10 1/29 2/17
"""
LUNAR_NEW_YEARS = {
    year: (int(month), int(day))
    for year, (month, _, day) in enumerate((text.partition("/") for text in _LUNAR_NEW_YEARS.split()), 1999)
}
