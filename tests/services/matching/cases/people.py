"""The invented people of the cases. Division 469080 is nobody's; the check digits are right (test_coverage.py)."""

from __future__ import annotations

MING = "469080201503040116"  # 王小明, a boy born on 4 March 2015
TWIN = "469080201503040132"  # his twin brother 王小亮
TWIN_SISTER = "469080201503040124"  # his twin sister 王小丽
ENDS_IN_X = "46908020150304001X"  # 周小雨, a boy of the same day
HONG = "469080201405060025"  # 李小红, a girl born on 6 May 2014
ELDER = "469080201209010151"  # 王小刚, elder brother of 王小明, born on 1 September 2012
GIRL = "469080201307080241"  # a girl born on 8 July 2013
TODDLER = "469080202402010019"  # a boy born on 1 February 2024
GROWN = "46908020040809017X"  # a brother born on 9 August 2004
FATHER = "469080198001010190"  # 王大
MOTHER = "469080198202020205"  # 李梅
GRANDMOTHER = "469080195006070287"
UNKNOWN = "469080201601020039"  # a boy who is in no register, born on 2 January 2016
VALID = (
    *(MING, TWIN, TWIN_SISTER, ENDS_IN_X, HONG, ELDER, GIRL, TODDLER, GROWN, FATHER, MOTHER, GRANDMOTHER, UNKNOWN),
)
